"""Values to facts: proofs, bound paths, index forms, curves, metrics."""
