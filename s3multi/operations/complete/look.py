# SPDX-License-Identifier: Apache-2.0
"""The look of a Complete at the records, once it has tried to write its intent."""
from s3multi.operations import ending
from s3multi.operations.bucket import Bucket
from s3multi.upload.decisions import UNREAD, Step, View, complete_step, follow
from s3multi.upload.names import Upload
from s3multi.upload.records import Intent

# How often an intent is written again. It fails as often only if others do the same at the same time.
_MAX_CONFIRMS = 5


def look(bucket: Bucket, upload: Upload, list_name: str, own: 'Intent | None') -> 'tuple[Step, View]':
    """Return the step that comes next, and all that was read; an intent that can be joined is written again before.

    own: the intent just written; None if there was one already.
    """
    view = View(upload.id, intent=own or UNREAD, own_intent=own is not None)
    for _ in range(_MAX_CONFIRMS):
        step, view = follow(view, lambda seen: complete_step(seen, list_name, bucket.now()),
                            ending.reader(bucket, upload))
        if step is not Step.CONFIRM:
            return step, view
        assert isinstance(view.intent, Intent)
        # If it is not stored, somebody else has joined at the same time, or it was deleted, or a rival has a later one.
        # So all is read anew; an intent of this Complete's own, written after the end, would be in the way.
        view = (View(upload.id, intent=view.intent, confirmed=True)
                if bucket.records.confirm_intent(upload, view.intent) else View(upload.id))
    return Step.BUSY, view
