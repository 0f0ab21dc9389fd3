"""A tree with a profile of its own, and what pyelftools reads of its files."""

from pathlib import Path

from elftools.elf.elffile import ELFFile


class System:
    """A tree with a profile."""

    def __init__(self, tree):
        self.tree = tree
        self.tree.more = 'AMBILINK_OS="os.toml",'

    def profile(self, text):
        self.tree.write("os.toml", "profile = 1\n" + text)

    @property
    def out(self):
        return Path(f"{self.tree.out}-os")

    def elf(self, name):
        return ELFFile((self.out / name).open("rb"))

    def tags(self, name):
        dynamic = self.elf(name).get_section_by_name(".dynamic")
        return {tag.entry.d_tag for tag in dynamic.iter_tags()} if dynamic else set()

    def undefined(self, name):
        symbols = self.elf(name).get_section_by_name(".dynsym")
        return {each.name for each in symbols.iter_symbols() if each["st_shndx"] == "SHN_UNDEF" and each.name}

    def needed(self, name):
        dynamic = self.elf(name).get_section_by_name(".dynamic")
        return [tag.needed for tag in dynamic.iter_tags("DT_NEEDED")]

    def interpreter(self, name):
        found = [each for each in self.elf(name).iter_segments() if each["p_type"] == "PT_INTERP"]
        return found[0].get_interp_name() if found else None
