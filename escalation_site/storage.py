"""Static files under names that carry their content's hash, compressed beforehand."""

from whitenoise.storage import CompressedManifestStaticFilesStorage


class HashedStorage(CompressedManifestStaticFilesStorage):
    """Also rewrites ``import`` in JavaScript modules; a file missing from the manifest keeps its plain name rather than failing a page
    (the page that tells of an error least of all)."""

    support_js_module_import_aggregation = True
    manifest_strict = False
