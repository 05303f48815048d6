"""Segments: one criteria language with three readers (SQL, predicate, sentence)."""
