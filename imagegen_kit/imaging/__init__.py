"""Pictures on this machine: safe decoding, thumbnails, provenance, placeholders and contact sheets (pure Pillow)."""
