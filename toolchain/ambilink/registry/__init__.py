"""Sources of third-party libraries: archives that package registries keep, pinned by their SHA-256.

An archive is fetched by the registry's client, or over the interface that its client uses, from where that client is
configured to look. Nothing of it is run. It is compared with its digest before anything looks into it, kept in the
cache folder, and unpacked into a build.
"""
