"""Studies: does the order matter, and how sure can one be?"""
