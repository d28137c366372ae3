"""File names of apptainer's images."""

from __future__ import annotations


def file_name(reference: str) -> str:
    """A file name for a reference: readable, and different for different references."""
    import re
    from hashlib import sha256

    plain = re.sub(r"[^A-Za-z0-9._-]+", "_", reference)[-80:].strip("._") or "image"
    return f"{plain}-{sha256(reference.encode()).hexdigest()[:10]}.sif"
