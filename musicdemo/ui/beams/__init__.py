"""What a beam search leaves besides its best: kept for a while, found again, and drawn as a tree over time."""
