# SPDX-License-Identifier: Apache-2.0
"""What s3api does differently on Swift's branch feature/mpu (August 2026), imitated on a released Swift.

It has the option ``enable_native_multipart_uploads``, which is on unless it is switched off. With it, controllers of
other names answer multipart requests, with the help of a filter ``mpu``; without that filter they answer 501.
"""
import sys
import types

import pytest
from swift.common.middleware.s3api import s3api, s3request
from swift.common.middleware.s3api.controllers import PartController, UploadController, UploadsController
from swift.common.middleware.s3api.s3response import S3NotImplemented
from swift.common.middleware.s3api.utils import Config
from swift.common.utils import config_true_value, public

OPTION = 'enable_native_multipart_uploads'


@public
def _refuse(controller, req):
    raise S3NotImplemented()


# Newer releases of Swift want these two in each class.
NATIVE = {known: type('Native' + known.__name__, (known,), {
    **dict.fromkeys(('GET', 'PUT', 'POST', 'DELETE'), _refuse),
    **{name: getattr(known, name) for name in ('acl_handler', 'resource_type') if hasattr(known, name)}})
    for known in (PartController, UploadController, UploadsController)}


def imitate(patch, always=False):
    """Make this process's s3api like that of the branch. patch: a ``MonkeyPatch``. always: whatever the option says."""
    init, controller = s3api.S3ApiMiddleware.__init__, s3request.S3Request.controller

    def init_with_option(self, app, conf, *args, **kwargs):
        init(self, app, conf, *args, **kwargs)
        self.conf[OPTION] = config_true_value(conf.get(OPTION, True))

    def native_controller(req):
        known = controller.fget(req)
        return NATIVE.get(known, known) if always or req.conf[OPTION] else known

    patch.setitem(Config.DEFAULTS, OPTION, True)
    patch.setattr(s3api.S3ApiMiddleware, '__init__', init_with_option)
    patch.setattr(s3request.S3Request, 'controller', property(native_controller))
    mpu = types.ModuleType('swift.common.middleware.mpu')
    exec('def filter_factory(conf, **options): return lambda app: app', mpu.__dict__)
    patch.setitem(sys.modules, mpu.__name__, mpu)


def filter_factory(global_conf, always='false', **options):
    """Return a filter that imitates the branch in its proxy, to the right of s3api in the pipeline, and passes all on.
    """
    imitate(pytest.MonkeyPatch(), config_true_value(always))
    return lambda app: app
