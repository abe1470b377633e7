"""One module for each kind of configured object. Adding one is adding a module with a KIND; `registry` finds it."""
