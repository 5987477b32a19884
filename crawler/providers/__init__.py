"""Indexes of past news, one small module each behind `tripoint.domain.backfill.Provider`."""
