"""Never imported: the manifest cannot be read."""
