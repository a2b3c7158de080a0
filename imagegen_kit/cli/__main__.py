"""``python -m imagegen_kit.cli``."""

from imagegen_kit.cli import main

main()
