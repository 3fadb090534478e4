"""Three tables of the content as xlsx that officials fill in: fees, contacts and tariffs.

``write_sheet`` gives a file to fill in; ``read_sheet`` tells what a filled-in one would change, and every
fault by its cell, in Vietnamese. Applying a plan is the caller's.
"""

from knowledge.sheets.plans import WHOLE_ROW, CellFault, Change, Plan
from knowledge.sheets.reading import read_sheet
from knowledge.sheets.tables import Content, Table
from knowledge.sheets.writing import write_sheet

__all__ = ["WHOLE_ROW", "CellFault", "Change", "Content", "Plan", "Table", "read_sheet", "write_sheet"]
