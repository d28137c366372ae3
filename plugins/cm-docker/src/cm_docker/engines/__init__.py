"""Container engines: podman, docker, apptainer; other packages add theirs by the same class."""
