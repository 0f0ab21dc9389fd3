"""For tools=["ambilink"] in this checkout: the package's own file of that purpose."""

from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path

_spec = spec_from_file_location(
    __name__, Path(__file__).resolve().parents[2] / "toolchain/ambilink/scons/site_tools/ambilink.py"
)
_tool = module_from_spec(_spec)
_spec.loader.exec_module(_tool)
generate, exists = _tool.generate, _tool.exists
