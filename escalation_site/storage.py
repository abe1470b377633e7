"""Static files under names that carry their content's hash, compressed beforehand."""

from whitenoise.storage import CompressedManifestStaticFilesStorage


class HashedStorage(CompressedManifestStaticFilesStorage):
    """Also rewrites ``import`` in our own JavaScript modules: one that imports another by its plain name would be stale after an upgrade.

    A file that is there but missing from the manifest keeps its plain name rather than failing a page. Static files must have been
    collected; `make run` and the supervisor's preparation do that.
    """

    support_js_module_import_aggregation = True
    manifest_strict = False
    # Ours only: others' files mention modules in comments, which the patterns take for imports.
    _js_module_import_aggregation_patterns = (
        "js/*.js",
        CompressedManifestStaticFilesStorage._js_module_import_aggregation_patterns[1],
    )
