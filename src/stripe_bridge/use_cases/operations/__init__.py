"""What operators and monitoring ask for: doctor, readiness, backlog, retention, key rotation."""

from __future__ import annotations

from dataclasses import dataclass

from stripe_bridge.use_cases.operations.backlog import MeasureBacklog
from stripe_bridge.use_cases.operations.doctor import Diagnose
from stripe_bridge.use_cases.operations.doctor_fixes import ApplyFixes
from stripe_bridge.use_cases.operations.key_rotation import RotateKeys
from stripe_bridge.use_cases.operations.readiness import CheckReadiness
from stripe_bridge.use_cases.operations.restore import HoldAllSends
from stripe_bridge.use_cases.operations.retention import PurgeOAuthStates, PurgePayloads


@dataclass(frozen=True, kw_only=True)
class Operations:
    check_readiness: CheckReadiness
    measure_backlog: MeasureBacklog
    diagnose: Diagnose
    apply_fixes: ApplyFixes
    hold_all_sends: HoldAllSends
    rotate_keys: RotateKeys
    purge_payloads: PurgePayloads
    purge_oauth_states: PurgeOAuthStates
