"""Digests: the alert that tells together what was held, and when it goes out. Pure."""

from __future__ import annotations

import hashlib
from datetime import datetime

from alerts.render import digest_headline
from tripoint.domain.digests import DIGEST, Held, gather
from tripoint.domain.policies import Rule, quiet_until
from tripoint.domain.types import Alert, AlertKey, Evidence, Plan


def digest_alert(held: Held, rule: Rule | None, now: datetime) -> Alert:
    """Return the alert of a digest; a rule that is no longer there gives no zone and no quiet hours."""
    digest = gather(held, now, rule.zone if rule else "UTC")
    named = f"{held.rule}\n{held.channel}\n{held.period}\n{now.isoformat()}"
    mark = hashlib.sha256(named.encode()).hexdigest()[:12]
    best = max(held.items, key=lambda each: each.evidence.score).evidence
    told = Evidence(
        title=digest_headline(digest),
        outlet="Tripoint",
        url=best.url,
        published=None,
        fetched_at=now,
        language=best.language,
        topic=best.topic,
        score=best.score,
        threshold=best.threshold,
        sentences=(),
    )
    key = AlertKey(f"{DIGEST}{mark}", held.rule, held.channel, f"{DIGEST}{mark}")
    return Alert(key, told, now, Plan(quiet_until(rule.quiet, now) if rule else None), digest)
