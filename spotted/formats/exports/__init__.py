"""A survey with its individuals written for other programs.

material               the survey, its individuals, and how days are counted
targets                the programs, by the word of the command line
camtrap_dp             any survey as a Camtrap DP package
camtrap_dp_descriptor  its datapackage.json
camtrap_dp_tables      its columns
camtrapr               records, stations and camera operation of camtrapR
jags                   data files of JAGS, by side
oscr                   edf and tdf of oSCR
secr                   captures and traps of secr
wildbook               spreadsheet of Wildbook's bulk import
placed                 captures at stations with a position
identifiers            names as identifiers of text formats
"""

from spotted.formats.exports.material import ExportFiles, Material
from spotted.formats.exports.targets import TARGETS

__all__ = ["TARGETS", "ExportFiles", "Material"]
