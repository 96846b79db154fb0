"""Names in Python code that are worth a look, and why. Of the standard library and well-known packages only."""

from __future__ import annotations

import re
import sys

from grader.reading.words import because, words

LIBRARY = "points are for the student's own code, not for calling a library"
WATCHES = "it can look at who calls it and with what, so at the judge's side of a case"
CHANGES = "what is changed there is changed for the harness, too"
STARTS = "no part of the assignment starts or signals programs"
NATIVE = "it calls native code that is no part of the submission"
NETWORK = "no part of the assignment uses the network"
HIDES = "what it runs cannot be read in the source"
ENDS = "it ends the worker, or acts when it ends, before a case is answered"
READS = "no part of the assignment reads that"
OURS = "it is a part of the harness, and not of the assignment"
CHANNEL = "it works on open descriptors, and one of them is the harness's"

FRAMEWORKS = words("""
    torch torchvision torchaudio tensorflow keras jax jaxlib flax cupy cupyx numba numexpr scipy autograd
    sklearn mxnet paddle tinygrad mlx theano pytensor aesara chainer dask numpy_quaddtype pyopencl pycuda cuda
    onnx onnxruntime tvm triton oneflow mindspore minitorch micrograd opt_einsum einops pandas polars cython
    Cython pythran weave sympy statsmodels xarray bottleneck pyfftw lightning transformers
""")
# Module -> why an import of it, or of what is in it, is worth a look.
MODULES = {
    **because(NATIVE, "ctypes _ctypes cffi _cffi_backend numpy.ctypeslib numpy.f2py numpy.distutils"),
    **because(STARTS, "subprocess _posixsubprocess multiprocessing pty signal _signal"),
    **because(NETWORK, "socket _socket socketserver ssl http urllib.request requests urllib3 asyncio"),
    **because(HIDES, "runpy imp zipimport marshal code codeop dis"),
    **because(ENDS, "atexit faulthandler"),
    **because(OURS, "probes oracle grader conftest pytest _pytest tests unittest.mock"),
    **because(CHANGES, "sitecustomize usercustomize site"),
    **because(HIDES, "_xxsubinterpreters _testcapi _testinternalcapi _imp _frozen_importlib"),
}
# A function or object, fully named -> why any mention is worth a look.
NAMES = {
    **because(
        STARTS,
        """
        system popen fork forkpty execl execle execlp execlpe execv execve execvp execvpe spawnl spawnle spawnlp
        spawnlpe spawnv spawnve spawnvp spawnvpe posix_spawn posix_spawnp kill killpg pidfd_open startfile setsid
        setpgid setuid setgid setreuid setresuid chroot unshare setns
        """,
        "os.",
    ),
    **because(STARTS, "concurrent.futures.ProcessPoolExecutor resource.setrlimit resource.prlimit"),
    **because(ENDS, "os._exit os.abort sys.excepthook sys.unraisablehook threading.excepthook"),
    **because(
        CHANNEL,
        "read write readv writev pread pwrite dup dup2 close closerange fdopen sendfile memfd_create",
        "os.",
    ),
    **because(
        WATCHES,
        """
            sys._getframe sys._getframemodulename sys._current_frames sys._current_exceptions sys.settrace
            sys.setprofile threading.settrace threading.setprofile sys.addaudithook sys.monitoring
            inspect.currentframe inspect.stack inspect.trace inspect.getouterframes inspect.getinnerframes
            gc.get_objects gc.get_referrers gc.get_referents traceback.extract_stack traceback.walk_stack
            traceback.format_stack traceback.print_stack
        """,
    ),
    **because(CHANGES, "sys.meta_path sys.path_hooks sys.path_importer_cache importlib.reload"),
    **because(
        HIDES,
        """
            types.FunctionType types.CodeType types.LambdaType importlib.util.spec_from_file_location
            importlib.util.module_from_spec importlib.util.spec_from_loader importlib.machinery.SourceFileLoader
            importlib.machinery.SourcelessFileLoader importlib.machinery.ExtensionFileLoader
            importlib._bootstrap pickle._Unpickler
        """,
    ),
    **because(NATIVE, "importlib.machinery.ExtensionFileLoader _imp.create_dynamic imp.load_dynamic"),
}
# An attribute of whatever object -> why.
ATTRIBUTES = {
    **because(
        WATCHES,
        """
            f_back f_locals f_globals f_builtins tb_frame gi_frame cr_frame ag_frame __subclasses__ __globals__
            __builtins__ __closure__ cell_contents
        """,
    ),
    **because(NATIVE, "LoadLibrary load_library CDLL PyDLL"),
}
BUILTINS = {"exec": HIDES, "eval": HIDES, "compile": HIDES}

# Functions of which the first argument is a path.
OPENS = words("""
    open io.open os.open os.listdir os.scandir os.walk os.chdir os.stat os.readlink glob.glob glob.iglob
    pathlib.Path numpy.load numpy.fromfile numpy.loadtxt numpy.genfromtxt numpy.memmap numpy.save shutil.copy
    shutil.copytree os.symlink os.link os.remove os.unlink os.mkfifo
""")
ABSOLUTE = re.compile(r"[/~]|[A-Za-z]:[\\/]")
# A whole string, without blanks, that is a path of the harness's, of the system's, or a variable that steers either.
PLACES = re.compile(
    r"/proc(/\S*)?|/dev/(shm|fd|mem|tcp|pts)(/\S*)?|/etc/\S*|\S*(site|dist)-packages\S*|LD_PRELOAD|LD_LIBRARY_PATH|PYTHONPATH"
    r"|(\S*/)?(tests|grader|reference|oracle|probes)(/\S*|\.py)"
)
# Where a store changes what everybody uses: the standard library, NumPy, and what is ours.
SHARED = set(sys.stdlib_module_names) | {"numpy", "probes", "grader", "oracle", "pytest", "pybind11"}
HARMLESS_STORES = {"os.environ", "warnings", "logging", "random", "sys.dont_write_bytecode", "sys.ps1", "sys.ps2"}

# NumPy's functions and methods that compute, as opposed to those that describe, make or convert arrays.
COMPUTES = words("""
    matmul dot vdot inner outer einsum tensordot kron convolve correlate cross add subtract multiply divide
    true_divide power float_power sqrt square exp exp2 expm1 log log2 log10 log1p logaddexp tanh sinh cosh sin
    cos tan arctanh maximum minimum fmax fmin clip abs absolute negative reciprocal sign sum max min amax amin
    mean var std prod cumsum cumprod average nansum trapz gradient interp apply_along_axis vectorize greater
    greater_equal less less_equal equal heaviside where select piecewise add.reduce maximum.reduce
    multiply.outer einsum_path ptp
""")
# Of these those that nobody needs for a shape.
HEAVY = words("matmul einsum tensordot convolve correlate inner kron")
COMPUTING_MODULES = ("numpy.linalg", "numpy.fft", "numpy.polynomial", "numpy.ma", "numpy.core", "numpy._core")
MOVES = words("""
    transpose reshape swapaxes moveaxis rollaxis broadcast_to pad flip fliplr flipud rot90 roll repeat tile
    concatenate stack vstack hstack dstack split array_split take take_along_axis put compress choose delete
    insert append squeeze expand_dims ravel flatten as_strided sliding_window_view argsort sort argmax argmin
    nonzero diagonal tril triu T
""")
CONVERTS = words("""
    array asarray asanyarray ascontiguousarray asfortranarray copy frombuffer from_dlpack float32 float64
""")
DESCRIBES = words("shape ndim size strides dtype device itemsize nbytes axes axis name op")
PLAIN = words("item tolist any all __str__ __repr__ __format__ __len__")
PLAIN_CALLS = words("""
    int float bool len range str repr tuple isinstance issubclass type hasattr print id hash sorted
""")
