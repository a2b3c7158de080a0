"""The journal and the registry as pandas tables."""
