"""The log of an answer: fenced writing, gapless reading."""
