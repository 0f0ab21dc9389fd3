"""The instructions whose arithmetic is judged: assembly, operands, and what of the result is defined.

An operation reads a record of 64 bytes at (%r13), operands at 0 and 16, and writes one of 128 bytes at (%r14).
"""

from dataclasses import dataclass

RECORD_IN, RECORD_OUT = 64, 128
CONTROL, SETUP = 32, 36  # in the first: control word or MXCSR; what becomes of the x87's stack beforehand
RESULT = 112  # in the second, behind the image of fnsave: what an x87 instruction stored, and flags

CF, PF, AF, ZF, SF, OF = 1, 4, 0x10, 0x40, 0x80, 0x800
ALL = CF | PF | AF | ZF | SF | OF


@dataclass(frozen=True)
class Kind:
    name: str
    group: str  # x87, functions, sse, mmx or integer
    code: str
    operands: str  # a letter for each: see operands.py
    mask: int = ALL  # integer: the flags that are defined
    units: int = 0  # how many units of the last place the result may differ
    approximate: bool = False  # within 1.5 * 2^-12, as the manual says


def _x87(body: str, operands: int) -> str:
    loads = {
        0: "",
        1: "fldt (%r13)\n testb $1, 36(%r13)\n jz 12f\n ffree %st(0)\n12:",
        2: "fldt 16(%r13)\n fldt (%r13)\n testb $1, 36(%r13)\n jz 12f\n ffree %st(0)\n12: testb $2, 36(%r13)\n"
        " jz 13f\n ffree %st(1)\n13:",
    }[operands]
    fill = "fldz\n " * (8 - max(operands, 1))
    return f"""fninit
 testb $4, 36(%r13)
 jz 11f
 {fill}
11: {loads}
 movq $-1, 112(%r14)
 movq $-1, 120(%r14)
 fldcw 32(%r13)
 {body}
 fnsave (%r14)
 movq $0, 12(%r14)
 movq $0, 20(%r14)
"""


def _x87_kinds() -> list[Kind]:
    kinds = []

    def add(name: str, body: str, operands: str, count: int | None = None, group: str = "x87", units: int = 0) -> None:
        count = len(operands) if count is None else count
        kinds.append(Kind(name, group, _x87(body, count), operands.ljust(2, "x"), units=units))

    for name in ("fadd", "fmul", "fsub", "fsubr", "fdiv", "fdivr"):
        add(f"{name} st,st(1)", f"{name} %st(1), %st", "xx")
        add(f"{name} st(1),st", f"{name} %st, %st(1)", "xx")
        add(f"{name}p", f"{name}p %st, %st(1)", "xx")
        add(f"{name} m32", f"{name}s 16(%r13)", "xf", 1)
        add(f"{name} m64", f"{name}l 16(%r13)", "xd", 1)
        add(f"{name.replace('f', 'fi')} m16", f"{name.replace('f', 'fi', 1)}s 16(%r13)", "xi", 1)
        add(f"{name.replace('f', 'fi')} m32", f"{name.replace('f', 'fi', 1)}l 16(%r13)", "xi", 1)
    for name in ("fsqrt", "frndint", "fxtract", "fabs", "fchs", "fxam", "ftst"):
        add(name, name, "r" if name == "frndint" else "x")
    for name in ("fprem", "fprem1"):
        add(name, name, "xx")
        add(f"{name} near", name, "nn")
    add("fscale", "fscale", "xx")
    add("fscale small", "fscale", "xs")
    for name in ("fcom", "fucom"):
        add(name, f"{name} %st(1)", "xx")
        add(f"{name}pp", f"{name}pp", "xx")
    for form, operand in (("s", "f"), ("l", "d")):
        add(f"fcom m{operand}", f"fcom{form} 16(%r13)", f"x{operand}", 1)
        add(f"ficom m{operand}", f"ficom{form} 16(%r13)", "xi", 1)
    for name in ("fcomi", "fucomi", "fcomip"):
        flags = "pushfq\n popq %rax\n andl $0x8d5, %eax\n movq %rax, 112(%r14)"
        add(name, f"pushq $0x8d5\n popfq\n {name} %st(1), %st\n {flags}", "xx")
    stores = {"fists": "r", "fistl": "r", "fistps": "r", "fistpl": "r", "fistpll": "r", "fisttps": "r", "fisttpl": "r"}
    stores |= {"fisttpll": "r", "fbstp": "r", "fsts": "x", "fstl": "x", "fstps": "x", "fstpl": "x", "fstpt": "x"}
    for name, operand in stores.items():
        add(name, f"{name} 112(%r14)", operand)
    loads = {"flds": "f", "fldl": "d", "fldt": "x", "filds": "i", "fildl": "i", "fildll": "i", "fbld": "b"}
    for name, operand in loads.items():
        add(name, f"{name} 16(%r13)", f"x{operand}", 1)
    for name in ("fldpi", "fldl2e", "fldl2t", "fldln2", "fldlg2", "fld1", "fldz"):
        add(name, name, "x", 1)
    for name in ("fld %st(0)", "fld %st(1)", "fld %st(5)", "fst %st(1)", "fstp %st(1)", "fxch %st(1)", "fincstp"):
        add(name, name, "xx")
    for name in ("fdecstp", "ffree %st(1)", "fxch %st(6)", "fstp %st(0)"):
        add(name, name, "xx")
    add("fcmove not taken", "cmpl $0, %esp\n fcmove %st(1), %st", "xx")
    add("fcmovne of an empty register", "cmpl $0, %esp\n fcmovne %st(5), %st", "xx")
    add("fcmove of an empty register, not taken", "cmpl $0, %esp\n fcmove %st(5), %st", "xx")
    add("fcmove", "cmpl %eax, %eax\n fcmove %st(1), %st", "xx")
    add("fnclex", "fadd %st(1), %st\n fnclex", "xx")
    add(
        "fnstenv",
        "fadd %st(1), %st\n fnstenv -28(%rsp)\n movl -28(%rsp), %eax\n movl %eax, 112(%r14)\n"
        " movl -24(%rsp), %eax\n movl %eax, 116(%r14)\n movl -20(%rsp), %eax\n movl %eax, 120(%r14)",
        "xx",
    )
    add(
        "fldenv",
        "movl 32(%r13), %eax\n movl %eax, -28(%rsp)\n movl (%r13), %eax\n movl %eax, -24(%rsp)\n"
        " movl 16(%r13), %eax\n movl %eax, -20(%rsp)\n movq $0, -16(%rsp)\n movq $0, -8(%rsp)\n fldenv -28(%rsp)",
        "xx",
    )
    for name, operand in {"f2xm1": "u", "fsin": "a", "fcos": "a", "fptan": "a", "fsincos": "a"}.items():
        add(name, name, operand, group="functions", units=1)
    for name, pair in {"fyl2x": "px", "fyl2xp1": "qx", "fpatan": "xx"}.items():
        add(name, name, pair, group="functions", units=1)
    return kinds


def _sse(body: str) -> str:
    """An exception that is raised goes on at RBP, with R12 set."""
    return f"""ldmxcsr 32(%r13)
 movups (%r13), %xmm0
 movups 16(%r13), %xmm1
 xorl %eax, %eax
 xorl %r12d, %r12d
 leaq 14f(%rip), %rbp
 {body}
14: movq %r12, 40(%r14)
 movups %xmm0, (%r14)
 stmxcsr 16(%r14)
 movq %rax, 32(%r14)
"""


_FLAGS = "\n pushfq\n popq %rax\n andl $0x8d5, %eax"


INTEGER_LANES = """
paddb paddw paddd paddq paddsb paddsw paddusb paddusw psubb psubw psubd psubq psubsb psubsw
psubusb psubusw pmulhw pmulhuw pmullw pmulld pmuldq pmuludq pmaddwd pmaddubsw pmulhrsw
psadbw pavgb pavgw packssdw packsswb packuswb packusdw pshufb psignb psignw psignd pabsb
pabsw pabsd phaddw phaddd phaddsw phsubw phsubd phsubsw pcmpeqb pcmpeqw pcmpeqd pcmpeqq
pcmpgtb pcmpgtw pcmpgtd pcmpgtq pminsb pminsw pminsd pminub pminuw pminud pmaxsb pmaxsw
pmaxsd pmaxub pmaxuw pmaxud phminposuw psllw pslld psllq psrlw psrld psrlq psraw psrad pand
pandn por pxor punpcklbw punpcklwd punpckldq punpcklqdq punpckhbw punpckhwd punpckhdq
punpckhqdq aesenc aesenclast aesdec aesdeclast aesimc pmovsxbw pmovsxbd pmovsxbq pmovsxwd
pmovsxwq pmovsxdq pmovzxbw pmovzxbd pmovzxbq pmovzxwd pmovzxwq pmovzxdq
"""


def _sse_kinds() -> list[Kind]:
    kinds = []

    def add(name: str, body: str, operands: str, approximate: bool = False) -> None:
        kinds.append(Kind(name, "sse", _sse(body), operands * 2, approximate=approximate))

    forms = (("ss", "F"), ("ps", "F"), ("sd", "D"), ("pd", "D"))
    for form, operand in forms:
        for name in ("add", "sub", "mul", "div", "min", "max", "sqrt"):
            add(name + form, f"{name}{form} %xmm1, %xmm0", operand)
        for name in ("eq", "lt", "le", "unord", "neq", "nlt", "nle", "ord"):
            add(f"cmp{name}{form}", f"cmp{name}{form} %xmm1, %xmm0", operand)
        for rounding in (0, 1, 2, 3, 4, 12):
            add(
                f"round{form} {rounding}",
                f"round{form} ${rounding}, %xmm1, %xmm0",
                operand.replace("F", "G").replace("D", "E"),
            )
    for name in ("rcpps", "rsqrtps", "rcpss", "rsqrtss"):
        add(name, f"{name} %xmm1, %xmm0", "F", approximate=True)
    for name, operand in (("comiss", "F"), ("ucomiss", "F"), ("comisd", "D"), ("ucomisd", "D")):
        add(name, f"pushq $0x8d5\n popfq\n {name} %xmm1, %xmm0{_FLAGS}", operand)
    conversions = {"cvtss2sd": "F", "cvtsd2ss": "D", "cvtps2pd": "F", "cvtpd2ps": "D"}
    conversions |= {"cvtps2dq": "G", "cvttps2dq": "G"}
    conversions |= {"cvtpd2dq": "E", "cvttpd2dq": "E", "cvtdq2ps": "I", "cvtdq2pd": "I"}
    for name, operand in conversions.items():
        add(name, f"{name} %xmm1, %xmm0", operand)
    for name, operand in (("cvtss2si", "G"), ("cvttss2si", "G"), ("cvtsd2si", "E"), ("cvttsd2si", "E")):
        add(f"{name} 32", f"{name} %xmm1, %eax", operand)
        add(f"{name} 64", f"{name} %xmm1, %rax", operand)
    for name in ("cvtsi2ss", "cvtsi2sd"):
        add(f"{name} 32", f"{name}l 16(%r13), %xmm0", "I")
        add(f"{name} 64", f"{name}q 16(%r13), %xmm0", "I")
    for name, operand in (("cvtpi2ps", "I"), ("cvtpi2pd", "I")):
        add(name, f"movq 16(%r13), %mm1\n {name} %mm1, %xmm0\n emms", operand)
    for name, operand in (("cvtps2pi", "G"), ("cvttps2pi", "G"), ("cvtpd2pi", "E"), ("cvttpd2pi", "E")):
        add(name, f"{name} %xmm1, %mm1\n movq %mm1, %rax\n emms", operand)
    for mask in (0xF1, 0x71, 0x3F):
        add(f"dpps {mask:#x}", f"dpps ${mask}, %xmm1, %xmm0", "F")
    for mask in (0x31, 0x23):
        add(f"dppd {mask:#x}", f"dppd ${mask}, %xmm1, %xmm0", "D")
    for name in ("haddps", "hsubps", "addsubps"):
        add(name, f"{name} %xmm1, %xmm0", "F")
    for name in ("haddpd", "hsubpd", "addsubpd"):
        add(name, f"{name} %xmm1, %xmm0", "D")
    for name in INTEGER_LANES.split():
        add(name, f"{name} %xmm1, %xmm0", "I")
    for word in (
        "mpsadbw 3",
        "pblendw 90",
        "blendps 5",
        "insertps 0x51",
        "palignr 5",
        "palignr 21",
        "pshufd 0x1b",
        "pshuflw 0x1b",
        "pshufhw 0x1b",
        "pclmulqdq 1",
        "pclmulqdq 16",
        "aeskeygenassist 5",
        "shufps 0x4e",
    ):
        name, number = word.split()
        add(word, f"{name} ${number}, %xmm1, %xmm0", "I")
    for name in ("psrldq", "pslldq", "psllw", "psrad", "psrlq"):
        add(f"{name} $5", f"{name} $5, %xmm0", "I")
    for number in (0, 0x0C, 0x18, 0x44, 0x4D):
        for name, output in (("pcmpistri", "ecx"), ("pcmpestri", "ecx"), ("pcmpistrm", ""), ("pcmpestrm", "")):
            after = "\n shll $16, %ecx\n orl %ecx, %eax" if output else ""
            body = f"movl $9, %eax\n movl $7, %edx\n xorl %ecx, %ecx\n {name} ${number}, %xmm1, %xmm0{_FLAGS}{after}"
            add(f"{name} {number:#x}", body, "S")
    add("ptest", f"ptest %xmm1, %xmm0{_FLAGS}", "I")
    return kinds


def _integer(body: str) -> str:
    return f"""movq (%r13), %rax
 movq 8(%r13), %rcx
 movq 16(%r13), %rdx
 movq 32(%r13), %r8
 pushq 24(%r13)
 popfq
 {body}
 pushfq
 popq 16(%r14)
 movq %rax, (%r14)
 movq %rdx, 8(%r14)
 movq %rcx, 32(%r14)
"""


_SIZES = {
    "b": ("%al", "%dl", "%cl"),
    "w": ("%ax", "%dx", "%cx"),
    "l": ("%eax", "%edx", "%ecx"),
    "q": ("%rax", "%rdx", "%rcx"),
}


def _integer_kinds() -> list[Kind]:
    kinds = []

    def add(name: str, body: str, mask: int = ALL) -> None:
        kinds.append(Kind(name, "integer", _integer(body), "ii", mask))

    def again(body: str) -> str:
        """With the count small enough for all flags to be defined."""
        return f"andb $15, %cl\n pushq 24(%r13)\n popfq\n {body}"

    for size, (a, d, c) in _SIZES.items():
        for name in ("add", "adc", "sub", "sbb", "cmp", "xadd", "cmpxchg"):
            operands = f"{d}, {c}" if name == "cmpxchg" else f"{d}, {a}"
            add(f"{name}{size}", f"{name}{size} {operands}")
        add(f"cmpxchg{size} equal", f"movq %rax, %rcx\n cmpxchg{size} {d}, {c}")
        for lock in ("", "lock "):
            store = f"movq %rcx, 64(%r14)\n {lock}cmpxchg{size} {d}, 64(%r14)"
            add(f"{lock}cmpxchg{size} m", store)
            add(f"{lock}cmpxchg{size} m equal", f"mov{size} {a}, {c}\n {store}")
        for name in ("and", "or", "xor", "test"):
            add(f"{name}{size}", f"{name}{size} {d}, {a}", ALL & ~AF)
        for name in ("inc", "dec", "neg", "not"):
            add(f"{name}{size}", f"{name}{size} {a}")
        add(f"mul{size}", f"mul{size} {c}", CF | OF)
        add(f"imul1{size}", f"imul{size} {c}", CF | OF)
        for name in ("shl", "shr", "sar", "rol", "ror", "rcl", "rcr"):
            shift = name[0] == "s"
            add(f"{name}{size} 1", f"{name}{size} $1, {a}", ALL & ~AF if shift else ALL)
            add(f"{name}{size} cl", again(f"{name}{size} %cl, {a}"), SF | ZF | PF if shift else ALL & ~OF)
        if size == "b":
            continue
        add(f"imul2{size}", f"imul{size} {c}, {a}", CF | OF)
        add(f"imul3{size}", f"imul{size} $-77, {c}, {a}", CF | OF)
        for name in ("bsf", "bsr"):
            add(f"{name}{size}", f"or{size} $8, {d}\n {name}{size} {d}, {a}", ZF)
        for name in ("bt", "bts", "btr", "btc"):
            add(f"{name}{size}", f"{name}{size} {c}, {a}", CF)
        for name in ("shld", "shrd"):
            add(f"{name}{size} 1", f"{name}{size} $1, {d}, {a}", ALL & ~AF)
            add(f"{name}{size} cl", again(f"{name}{size} %cl, {d}, {a}"), SF | ZF | PF | CF)
        for name, mask in (("popcnt", ALL), ("lzcnt", CF | ZF), ("tzcnt", CF | ZF)):
            add(f"{name}{size}", f"{name}{size} {d}, {a}", mask)
    for size in ("l", "q"):
        a, d, c = _SIZES[size]
        add(f"andn{size}", f"andn{size} {d}, {c}, {a}", SF | ZF | CF | OF)
        add(f"bextr{size}", f"bextr{size} {d}, {c}, {a}", ZF | CF | OF)
        for name in ("blsi", "blsr", "blsmsk"):
            add(f"{name}{size}", f"{name}{size} {d}, {a}", ZF | SF | CF | OF)
        for name in ("bzhi",):
            add(f"{name}{size}", f"{name}{size} {d}, {c}, {a}", ZF | SF | CF | OF)
        for name in ("pdep", "pext"):
            add(f"{name}{size}", f"{name}{size} {d}, {c}, {a}")
        add(f"mulx{size}", f"mulx{size} {c}, {a}, {d}")
        add(f"rorx{size}", f"rorx{size} $7, {d}, {a}")
        for name in ("sarx", "shlx", "shrx"):
            add(f"{name}{size}", f"{name}{size} {d}, {c}, {a}")
        add(f"movbe{size}", f"movbe{size} (%r13), {a}")
        add(f"bswap{size}", f"bswap{size} {a}")
        add(f"crc32{size}", f"crc32{size} {d}, %{'eax' if size == 'l' else 'rax'}")
    for name in ("lahf", "sahf", "cmc", "cwtl", "cltq", "cltd", "cqto"):
        add(name, name)
    add("divq", "xorl %edx, %edx\n orq $1, %rcx\n divq %rcx", 0)
    add("divq wide", "orq $1, %rcx\n movq %rcx, %rdx\n shrq $1, %rdx\n divq %rcx", 0)
    add("divl", "xorl %edx, %edx\n orl $1, %ecx\n divl %ecx", 0)
    add("idivl", "cltd\n orl $3, %ecx\n andl $0x7fffffff, %ecx\n idivl %ecx", 0)
    add("idivq", "cqto\n orq $3, %rcx\n shrq $1, %rcx\n idivq %rcx", 0)
    add(
        "cmpxchg8b",
        "movq 32(%r13), %r9\n movq %rax, 64(%r14)\n testb $1, 16(%r13)\n jz 21f\n incl %eax\n21: movq 64(%r14),"
        " %rdx\n shrq $32, %rdx\n movl $5, %ebx\n movl $7, %ecx\n lock cmpxchg8b 64(%r14)",
        ZF,
    )
    return kinds


def all_kinds() -> list[Kind]:
    return [*_x87_kinds(), *_sse_kinds(), *_integer_kinds()]
