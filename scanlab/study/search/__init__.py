"""Search the space of orders: propose, prove, train a little, judge the best afresh."""
