"""Search the space of orders: propose, prove, train a little, judge the best afresh."""

from scanlab.renamed import renamed_names
from scanlab.study.search.judge import Judged, final_study, judge, judged, lost_words
from scanlab.study.search.run import candidates, explore
from scanlab.study.search.space import SPACES, Space, space_named
from scanlab.study.search.values import Candidate, Search, SearchProgress, SearchResult, SearchStopped
from scanlab.study.search.write import as_data, write_best, write_data

__all__ = [
    "SPACES",
    "Candidate",
    "Judged",
    "Search",
    "SearchProgress",
    "SearchResult",
    "SearchStopped",
    "Space",
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

__getattr__ = renamed_names(__name__, {"Found": "SearchResult", "Heard": "SearchProgress", "Tried": "Candidate"})
