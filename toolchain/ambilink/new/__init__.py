"""`ambilink new`: projects made of templates. `templates/` holds a folder for each template, and `common/` for all."""
