"""Article to assessment: lexicon, matcher, features and score; no input or output."""
