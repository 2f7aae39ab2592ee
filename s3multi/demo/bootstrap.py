# SPDX-License-Identifier: Apache-2.0
"""Makes sure that the demo and the tests run where Swift and everything else that they need can be imported.

If something is missing, a virtual environment is made in the checkout, once; nothing is ever installed elsewhere.
This module uses the standard library only, and runs on Pythons that are too old for the package, to tell their users.
"""

import hashlib
import importlib.util
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import List, Optional, Sequence, Tuple

MINIMUM_PYTHON = (3, 9)
DEMO_MODULES = ('swift', 'lxml', 'simplejson', 'boto3')
KEYSTONE_MODULES = ('keystone', 'keystonemiddleware', 'keystoneclient')
TEST_MODULES = DEMO_MODULES + ('pytest', 'xdist', 'hypothesis', 'swiftclient', 'requests')
OLDEST_PIP = (21, 3)         # the first that installs a project in editable mode by PEP 660
OLDEST_OUTER_PIP = (22, 3)   # the first with the option --python
CHECKOUT = Path(__file__).resolve().parent.parent.parent
# What pip needs of the checkout, and what the environment depends on.
SOURCES = ('s3multi', 'etc', 'LICENSE', 'README.rst', 'pyproject.toml', 'setup.cfg', 'setup.py')
# How the lines begin in which pip says what it does, and how often one of them is shown where it cannot be redrawn.
STEPS = ('Building', 'Collecting', 'Downloading', 'Installing', 'Preparing', 'Using')
TELL_SECONDS = 10
TAIL_LINES = 30

# Set for the process that runs in the virtual environment. If something is missing there too, it ends with a message
# instead of trying once more.
GUARD = 'S3MULTI_BOOTSTRAPPED'


class BootstrapError(Exception):
    """Something prevents the demo or the tests from running; the text tells the user what to do about it."""


def ensure(modules: Sequence[str], extra: str, command: Sequence[str], venv: Optional[str] = None) -> None:
    """Return if everything can be imported here; otherwise run `command` in a virtual environment and do not return.

    modules: what must be importable. extra: the extra of setup.cfg that brings them. command: what follows `python`
    on the command line of the process that replaces this one. venv: the directory of the environment, which is made if
    need be; None for $S3MULTI_VENV, or .venv in the checkout. Ends the process with a message if it cannot be made.
    """
    try:
        check_python()
        lacking = missing(modules)
        if not lacking:
            return
        if os.environ.get(GUARD) or not (CHECKOUT / 'setup.cfg').is_file():
            raise BootstrapError('{} cannot be imported by {}; run: {} -m pip install "s3multi[{}]"'.format(
                ', '.join(lacking), sys.executable, sys.executable, extra))
        interrupt_by_exception()
        python = prepare(environment(venv), extra)
    except BootstrapError as error:
        sys.exit('s3multi: {}'.format(error))
    except KeyboardInterrupt:
        sys.exit(130)
    sys.stdout.flush()
    os.environ[GUARD] = '1'
    os.execv(str(python), [str(python), *command])


def interrupt_by_exception() -> None:
    """Have signals that end the process raise KeyboardInterrupt, which stops servers and removes temporary directories.

    SIGINT is set as well, because a command that a shell starts in the background ignores it. nohup ignores SIGHUP on
    purpose.
    """
    def interrupt(number: int, frame: object) -> None:
        raise KeyboardInterrupt

    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        if number != signal.SIGHUP or signal.getsignal(number) != signal.SIG_IGN:
            signal.signal(number, interrupt)


def check_python() -> None:
    """Raise BootstrapError if the Python that runs this is too old."""
    if sys.version_info < MINIMUM_PYTHON:
        raise BootstrapError('Python {}.{} or later is needed; this is {}.{}'.format(
            *MINIMUM_PYTHON, *sys.version_info[:2]))


def environment(venv: Optional[str] = None) -> Path:
    """Return the directory of the virtual environment. venv: what the user chose on the command line, or None."""
    return Path(venv or os.environ.get('S3MULTI_VENV') or CHECKOUT / '.venv').resolve()


def missing(modules: Sequence[str]) -> List[str]:
    """Return those modules that cannot be imported, and 's3multi (installed)' if its filters are not registered."""
    # Imported here: a Python without this module is too old, and check_python() has to tell its user so.
    from importlib import metadata
    lacking = [name for name in modules if importlib.util.find_spec(name) is None]
    try:
        filters = {point.name for point in metadata.distribution('s3multi').entry_points
                   if point.group == 'paste.filter_factory'}
    except metadata.PackageNotFoundError:
        filters = set()
    # PasteDeploy finds the filters only by these entry points.
    if not {'s3multi', 's3api'} <= filters:
        lacking.append('s3multi (installed)')
    return lacking


def prepare(directory: Path, extra: str) -> Path:
    """Return the Python of a virtual environment in which the checkout is installed with an extra.

    directory: of the environment, which is made or completed if need be. Raises BootstrapError if that fails.
    """
    try:
        return _prepare(directory, extra)
    except OSError as error:
        # It is another user's, or the disk is full.
        raise BootstrapError('cannot make a virtual environment in {}: {}\nChoose another directory with --venv or '
                             'S3MULTI_VENV.'.format(shown(directory), error)) from None


def _prepare(directory: Path, extra: str) -> Path:
    python = directory / 'bin' / 'python'
    stamp = directory / 's3multi-{}.stamp'.format(extra)
    usable = works(python)
    if usable and stamp.is_file() and stamp.read_text() == digest(python):
        return python
    # Later runs use the same environment; the user of this one is told where the time goes.
    print('s3multi: installing Swift and what else this needs into {} (once; up to a few minutes) ...'.format(
        shown(directory)), file=sys.stderr, flush=True)
    if not usable:
        create(directory)
    install(python, extra)
    stamp.write_text(digest(python))
    return python


def digest(python: Path) -> str:
    """Return a hash of what an environment depends on: requirements, entry points, place of the checkout, Python."""
    parts = [*((CHECKOUT / name).read_text(encoding='utf-8') for name in ('setup.cfg', 'pyproject.toml')),
             str(CHECKOUT), version_of(python)]
    return hashlib.sha256('\0'.join(parts).encode()).hexdigest()


def works(python: Path) -> bool:
    """Return whether there is a Python at this path that runs."""
    return bool(version_of(python))


def version_of(python: Path) -> str:
    """Return what `python --version` prints; '' if it does not run."""
    try:
        result = subprocess.run([str(python), '--version'], stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    except OSError:
        return ''
    return result.stdout.decode().strip() if result.returncode == 0 else ''


def create(directory: Path) -> None:
    """Make a virtual environment in a directory that is new, empty, or holds a broken environment of ours.

    Raises BootstrapError if the directory holds something else, or the environment cannot be made.
    """
    if directory.exists() and any(directory.iterdir()):
        if not (directory / 'pyvenv.cfg').is_file():
            raise BootstrapError('{} is no virtual environment; choose another directory with --venv or '
                                 'S3MULTI_VENV'.format(shown(directory)))
        if not list(directory.glob('s3multi-*.stamp')):
            raise BootstrapError('the virtual environment {} does not work; remove it, or choose another directory '
                                 'with --venv or S3MULTI_VENV'.format(shown(directory)))
        shutil.rmtree(str(directory))
    first = run([sys.executable, '-m', 'venv', str(directory)])
    if first.returncode == 0:
        return
    # venv installs pip with ensurepip, which Debian and Ubuntu leave out. Without it, the pip outside of the
    # environment installs into it.
    second = run([sys.executable, '-m', 'venv', '--clear', '--without-pip', str(directory)])
    if second.returncode != 0:
        raise BootstrapError('cannot make a virtual environment in {}:\n{}\nWhere "venv" is missing, install it '
                             '(Debian and Ubuntu: apt install python3-venv). Where the directory cannot be written, '
                             'choose another one with --venv or S3MULTI_VENV.'.format(
                                 shown(directory), output(second)))


def install(python: Path, extra: str) -> None:
    """Install the checkout, with an extra, into the environment of this Python: editable, unless it cannot be written.

    Raises BootstrapError if there is no pip to do it, or if it fails.
    """
    if pip_version([str(python), '-m', 'pip']):
        pip = [str(python), '-m', 'pip']
        if pip_version(pip) < OLDEST_PIP:
            run(pip + ['install', '--quiet', '--upgrade', 'pip'])
    else:
        pip = [sys.executable, '-m', 'pip']
        if pip_version(pip) < OLDEST_OUTER_PIP:
            raise BootstrapError('neither "ensurepip" nor a pip of {}.{} or later is there; install one of them '
                                 '(Debian and Ubuntu: apt install python3-venv)'.format(*OLDEST_OUTER_PIP))
        pip += ['--python', str(python)]
    pip += ['install', '--disable-pip-version-check', '--progress-bar', 'off', '--use-pep517']
    if os.access(str(CHECKOUT), os.W_OK):
        result = follow(pip + ['--editable', '{}[{}]'.format(CHECKOUT, extra)])
    else:
        # pip builds where the source is. What then runs is the checkout all the same, if it is the working directory.
        with tempfile.TemporaryDirectory(prefix='s3multi-') as copy:
            for name in SOURCES:
                source = CHECKOUT / name
                (shutil.copytree if source.is_dir() else shutil.copy)(str(source), os.path.join(copy, name))
            result = follow(pip + ['{}[{}]'.format(copy, extra)])
    if result.returncode != 0:
        raise BootstrapError('pip could not install what is needed into the virtual environment:\n{}\nWhen this is '
                             'mended, run the same command again.'.format(
                                 '\n'.join(output(result).splitlines()[-TAIL_LINES:])))


def follow(command: Sequence[str]) -> 'subprocess.CompletedProcess[bytes]':
    """Run pip without input; return its result, with what it printed. Shows its steps on standard error meanwhile."""
    lines, begun = [], time.monotonic()
    told, redraw = begun, sys.stderr.isatty()
    with subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT) as process:
        assert process.stdout is not None
        for line in process.stdout:
            lines.append(line)
            words = line.decode('utf-8', 'replace').split()
            now = time.monotonic()
            if words[:1] and words[0] in STEPS and (redraw or now - told >= TELL_SECONDS):
                told = now
                print('{}  {:3.0f} s: {}'.format('\r\033[K' if redraw else '', now - begun, ' '.join(words[:2])[:70]),
                      end='' if redraw else '\n', file=sys.stderr, flush=True)
    if redraw:
        print('\r\033[K', end='', file=sys.stderr, flush=True)
    return subprocess.CompletedProcess(command, process.returncode, b''.join(lines))


def pip_version(pip: Sequence[str]) -> Tuple[int, ...]:
    """Return the version of a pip as two numbers; () if it does not run. pip: the words that start it."""
    result = run([*pip, '--version'])
    match = re.match(r'pip (\d+)\.(\d+)', output(result))
    return tuple(int(number) for number in match.groups()) if result.returncode == 0 and match else ()


def run(command: Sequence[str]) -> 'subprocess.CompletedProcess[bytes]':
    """Run a command without input; return its result, with what it printed."""
    return subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)


def output(result: 'subprocess.CompletedProcess[bytes]') -> str:
    """Return what a command printed."""
    return result.stdout.decode('utf-8', 'replace').strip()


def shown(path: Path) -> str:
    """Return a path in its shorter form: relative if it is below the working directory."""
    try:
        return os.path.relpath(str(path)) if Path.cwd() in path.parents else str(path)
    except OSError:
        return str(path)


def main() -> None:
    """`python3 -m s3multi.demo.bootstrap EXTRA`: print the Python of the environment, with that extra installed."""
    try:
        check_python()
        print(prepare(environment(), sys.argv[1]))
    except BootstrapError as error:
        sys.exit('s3multi: {}'.format(error))


if __name__ == '__main__':
    main()
