"""What a model can do, as data; and ``fit``, which turns what was asked into what can honestly be sent."""

from imagegen_kit.capabilities.fitting import Fitted, best_references, fit
from imagegen_kit.capabilities.model import Capabilities
from imagegen_kit.capabilities.sizes import fit_size

__all__ = ["Capabilities", "Fitted", "best_references", "fit", "fit_size"]
