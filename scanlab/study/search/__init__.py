"""Search the space of orders: propose, prove, train a little, judge the best afresh."""

from scanlab.study.search.found import Found, Heard, Search, Tried
from scanlab.study.search.judge import Judged, final_study, judge, judged, lost_words
from scanlab.study.search.run import candidates, explore
from scanlab.study.search.space import SPACES, Space, space_named
from scanlab.study.search.write import as_data, write_best, write_data

__all__ = [
    "SPACES",
    "Found",
    "Heard",
    "Judged",
    "Search",
    "Space",
    "Tried",
    "as_data",
    "candidates",
    "explore",
    "final_study",
    "judge",
    "judged",
    "lost_words",
    "space_named",
    "write_best",
    "write_data",
]
