"""ComfyUI workflows as models: every workflow in a folder of yours is ``comfyui/<file name>``."""

from __future__ import annotations

from imagegen_kit import providers as kit


@kit.hookimpl
def imagegen_providers() -> list[kit.ProviderSpec]:
    """Offer the shipped workflows and those in the folder that IMAGEGEN_COMFYUI_WORKFLOWS names."""
    from imagegen_kit.settings import variable  # every session imports this module, so it brings nothing along
    from imagegen_kit_comfyui.shelf import VARIABLE, read_shelf

    shelf = read_shelf(variable(VARIABLE))
    return [
        kit.ProviderSpec(
            "comfyui",
            models=shelf.specs(),
            target="imagegen_kit_comfyui.provider:ComfyUI",
            output_version=shelf.digest,  # a workflow that was edited draws other pictures
            base_url="http://127.0.0.1:8188",
            base_url_env=("COMFYUI_URL",),
            settings_env=(VARIABLE,),
            install="pip install imagegen-kit-comfyui",
        )
    ]
