"""The gallery and the lecture as plain files, which open from a disk: what ``scanlab explore --static`` writes."""
