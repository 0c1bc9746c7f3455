"""How files are to be read: what the command line says, and what was said at the last import.

options  column maps and the options of the last import
"""

from spotted.cli.imports.options import parse_map, with_columns, with_last_options

__all__ = ["parse_map", "with_columns", "with_last_options"]
