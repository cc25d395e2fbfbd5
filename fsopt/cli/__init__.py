"""The command ``fsopt``."""
