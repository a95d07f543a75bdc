"""Tests of the checks themselves: each finds what it is there to find, and only that."""

import pathlib
import tempfile
import unittest

import check_includes
import check_paths
import check_sizes


class Tree(unittest.TestCase):
    def setUp(self):
        self._folder = tempfile.TemporaryDirectory()
        self.addCleanup(self._folder.cleanup)
        self.root = pathlib.Path(self._folder.name)

    def write(self, path, text):
        (self.root / path).parent.mkdir(parents=True, exist_ok=True)
        (self.root / path).write_text(text, encoding="utf-8")


class IncludesTest(Tree):
    def problems(self, path, text):
        self.write("engine/base/bytes.h", "")
        self.write("protocol/reply.h", "")
        self.write(path, text)
        return check_includes.check(self.root)

    def test_own_layer_and_composition_pass(self):
        self.assertEqual([], self.problems("engine/a.cc", '#include "engine/base/bytes.h"\n'))
        self.assertEqual(
            [],
            self.problems(
                "server/a.cc",
                '#include <boost/asio.hpp>\n#include "protocol/reply.h"\n'
                '#include "engine/base/bytes.h"\n',
            ),
        )

    def test_other_layers_fail(self):
        for path in ("engine/a.cc", "config/a.cc"):
            self.assertEqual(1, len(self.problems(path, '#include "protocol/reply.h"\n')))
            (self.root / path).unlink()
        self.assertEqual(1, len(self.problems("protocol/a.cc", '#include "server/x.h"\n')))

    def test_libraries_have_their_place(self):
        self.assertEqual(1, len(self.problems("engine/a.cc", "#include <boost/asio.hpp>\n")))
        self.assertEqual(1, len(self.problems("engine/a.cc", "#include <cds/init.h>\n")))
        self.assertEqual(1, len(self.problems("engine/a.cc", '#include "../engine/base/bytes.h"')))
        self.assertEqual([], self.problems("engine/a.cc", "#include <sys/mman.h>\n"))
        self.assertEqual(1, len(self.problems("protocol/a.cc", "#include <sys/socket.h>\n")))
        self.assertEqual([], self.problems("protocol/a.cc", "#include <vector>\n"))

    def test_reclamation_is_named_in_one_place(self):
        use = "using Rcu = cds::urcu::gc<cds::urcu::general_buffered<>>;\n"
        self.assertEqual([], self.problems("engine/reclaim/a.h", use))
        self.assertEqual([], self.problems("engine/index/a.h", f"// {use}"))
        self.assertEqual(2, len(self.problems("engine/index/a.h", use)))


def body(lines):
    return "{\n" + "  Step();\n" * lines + "}\n"


class SizesTest(Tree):
    def sizes(self, text):
        return {name: lines for name, _, lines in check_sizes.functions(text)}

    def test_functions_are_measured(self):
        text = (
            "namespace a {\nstruct S {\n  int x{1};\n  void M() const " + body(3) + "};\n"
            "template <typename T>\nauto Free(T t = T{}) -> int " + body(5) + "\n"
            "S::S(int a) : b_{a}, c_(a), d_{a} " + body(7) + "\n"
            "constexpr int kTable[] = {1, 2, Free(3)};\n"
            "bool operator==(const S& a, const S& b) " + body(2) + "}\n"
        )
        self.assertEqual(
            {"M": 5, "Free": 8, "S::S": 9, "operator==": 4}, self.sizes(text)
        )

    def test_noise_is_no_structure(self):
        text = (
            'void F() {\n  // }\n  Say("}", \'}\', R"x(}}\n})x");\n'
            "  /* }\n  */\n  int n = 1'000;\n}\n"
        )
        self.assertEqual({"F": 8}, self.sizes(text))

    def test_ratchet(self):
        self.write("engine/a.cc", "void Long() " + body(120))
        self.assertEqual(1, len(check_sizes.check(self.root)))
        self.write(check_sizes.ALLOWLIST, "# why\nengine/a.cc:Long 122\n")
        self.assertEqual([], check_sizes.check(self.root))
        self.write("engine/a.cc", "void Long() " + body(130))
        self.assertEqual(1, len(check_sizes.check(self.root)))
        self.write("engine/a.cc", "void Long() " + body(30))
        self.assertEqual(1, len(check_sizes.check(self.root)))

    def test_long_file(self):
        self.write("server/a.cc", "int x;\n" * 601)
        self.assertEqual(1, len(check_sizes.check(self.root)))


class PathsTest(Tree):
    def test_machine_paths(self):
        self.write("docs/a.md", "see /ho" "me/someone/x and `/wo" "rk/y`\n")
        self.assertEqual(2, len(check_paths.check(self.root)))
        self.write("docs/a.md", "see docs/home/x, https://host/home/x and /data/y\n")
        self.assertEqual([], check_paths.check(self.root))


if __name__ == "__main__":
    unittest.main()
