"""Camtrap DP packages (https://camtrap-dp.tdwg.org) read as surveys, and written back with individuals.

package   the descriptor: which file contains which table
reader    the survey of a package
events    event-based observations spread over images
export    packages written back with individuals
"""

from spotted.formats.camtrapdp.export import write_camtrapdp
from spotted.formats.camtrapdp.package import Package, open_package
from spotted.formats.camtrapdp.reader import read_camtrapdp, side_of_tags

__all__ = ["Package", "open_package", "read_camtrapdp", "side_of_tags", "write_camtrapdp"]
