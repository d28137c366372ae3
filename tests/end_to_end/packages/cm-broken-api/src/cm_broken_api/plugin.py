"""Never imported: the manifest asks for another contract."""
