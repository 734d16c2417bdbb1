"""Frozen records of what Glacier holds, and their JSON faces."""

from glaciercli.models.archives import Archive, FileHash, Job, Part, Upload
from glaciercli.models.local import Damage, FaultRule, LocalClock, LocalStore, Notice, Served
from glaciercli.models.record import Record
from glaciercli.models.reports import (
    Audit,
    Emptied,
    EmptyPlan,
    Exported,
    Imported,
    Inventory,
    Restored,
    RestorePlan,
    Sample,
    SettingInForce,
    UploadPlan,
    Verified,
)
from glaciercli.models.vaults import (
    Capacity,
    Lock,
    Notifications,
    Policy,
    RetrievalPolicy,
    Scope,
    Tag,
    Vault,
)

__all__ = [
    "Archive",
    "Audit",
    "Capacity",
    "Damage",
    "Emptied",
    "EmptyPlan",
    "Exported",
    "FaultRule",
    "FileHash",
    "Imported",
    "Inventory",
    "Job",
    "LocalClock",
    "LocalStore",
    "Lock",
    "Notice",
    "Notifications",
    "Part",
    "Policy",
    "Record",
    "RestorePlan",
    "Restored",
    "RetrievalPolicy",
    "Sample",
    "Scope",
    "Served",
    "SettingInForce",
    "Tag",
    "Upload",
    "UploadPlan",
    "Vault",
    "Verified",
]
