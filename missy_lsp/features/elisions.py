"""Find what a model writes in place of code that it leaves out; a comment that says something of its own is none."""

# ruff: noqa: RUF001
from __future__ import annotations

import re

_MOST_WORDS = 12
# A placeholder is short; so is the time that a line of this length takes.
_LONGEST_LINE = 300
_ANY_DOTS = r"(?:\.\.\.|…)"

# Whole remarks that stand for code without any dots. They are matched from end to end: "process the remaining lines"
# is an ordinary comment.
_PLACEHOLDER = re.compile(
    r"""
    (?:the\ |your\ |all\ )*(?:rest|remainder)\ of\ (?:the\ |your\ |this\ |my\ )?(?:\w+\ )?
        (?:code|file|function|method|class|component|implementation|module|script|body)
        (?:\ (?:is|are|was|remains?|stays?|goes|continues?|follows?))?
        (?:\ (?:the\ same|same|unchanged|as\ (?:is|before|above)|here|omitted.*|not\ shown))?
    | (?:the\ |your\ )*(?:rest|remainder)\ of\ (?:the\ |your\ |this\ )?
        (?:contents?|page|markup|template|lines|tests|styles)
        (?:\ (?:is|are|remains?|stays?))?\ (?:the\ same|unchanged|as\ (?:is|before|above)|here|omitted.*)
    | (?:the\ )?(?:rest|remainder)(?:\ is|\ remains|\ stays)?\ (?:the\ same|unchanged|as\ (?:is|before)|omitted.*)
    | (?:the\ |your\ |all\ )*(?:existing|original|previous|other|remaining|unchanged)\ (?:\w+\ )?
        (?:code|functions?|methods?|class(?:es)?|components?|implementations?|logic|body|parts?|imports|definitions|tests
        |fields|cases|styles|rules|markup|template|props|handlers|routes)
        \ (?:(?:is|are|was|were|remains?|stays?|goes?|kept)\ )?
        (?:the\ same|same|unchanged|as\ (?:is|before|above)|here|omitted.*|not\ shown)
    | (?:the\ |your\ )?(?:existing|original|previous|unchanged|same)\ (?:code|implementation|logic|method\ body
        |function\ body|markup)
    | (?:the\ )?(?:code|lines?|implementation|logic|body|methods?|functions?)
        \ (?:(?:is|are|was|were|remains?|stays?)\ )?(?:omitted|elided|not\ shown|unchanged|the\ same)
        (?:\ (?:for\ (?:brevity|clarity)|here|as\ before))?
    | unchanged | omitted | snip(?:ped)? | (?:omitted|truncated|shortened|abbreviated)\ for\ (?:brevity|clarity)
    | no\ changes?\ (?:here|below|above) | (?:remains?|stays?)\ (?:the\ same|unchanged)(?:\ as\ before)?
    | (?:same|continues?)\ as\ before
    # German, Dutch
    | (?:der\ )?rest(?:licher|\ des|\ vom|\ der)?\ (?:codes?|datei|funktion|methode|klasse)
        (?:\ (?:bleibt|ist|hier))?(?:\ (?:unverändert|gleich|wie\ (?:bisher|zuvor|gehabt)|hier))?
    | (?:bestehender|vorhandener|bisheriger)\ code(?:\ (?:bleibt|hier).*)? | (?:bleibt\ )?unverändert
    | code\ (?:ausgelassen|weggelassen|unverändert) | (?:de\ )?rest\ van\ de\ code.* | bestaande\ code(?:\ hier)?
    # French
    | (?:le\ )?reste\ (?:du\ code|du\ fichier|de\ la\ fonction)(?:\ (?:reste|est|demeure|ici))?
        (?:\ (?:inchangé|identique))?
    | (?:le\ )?code\ (?:existant|inchangé|omis)(?:\ ici)? | inchangée?
    # Spanish, Portuguese, Italian
    | (?:el\ |o\ |il\ )?rest(?:o|ante)\ d(?:el|o)\ (?:c[óo]digo|archivo|arquivo|ficheiro|codice|file)
        (?:\ (?:permanece|sigue|queda|rimane|resta|continua|aqu[íi]|qui))?
        (?:\ (?:igual|sin\ cambios|sem\ alterações|inalterado|invariato|uguale|o\ mesmo|lo\ mismo))?
    | c[óo]digo\ (?:existente|omitido)(?:\ aqu[íi])? | codice\ esistente(?:\ qui)?
    | sin\ cambios | sem\ alterações | invariato
    # Russian, Ukrainian, Polish, Turkish
    | (?:остальной|остальная\ часть|решта)\ код(?:а|у)?(?:\ (?:остаётся|остается|залишається))?
        (?:\ (?:без\ изменений|прежним|тем\ же|без\ змін))?
    | (?:без\ изменений|без\ змін) | существующий\ код(?:\ здесь)? | код\ (?:опущен|пропущен|без\ изменений)
    | reszta\ (?:kodu|pliku)(?:\ (?:bez\ zmian|pozostaje.*))? | istniejący\ kod | kodun\ (?:geri\ kalanı|devamı).*
    # Chinese, Japanese, Korean
    | (?:其余|其餘|剩余|剩餘|余下|其他)(?:的)?(?:代码|程式碼|部分|内容|內容|方法|函数)
        (?:保持|均|都)?(?:不变|不變|省略|同上|略)
    | (?:其余|其餘|剩余|剩餘|余下)(?:的)?(?:代码|程式碼) | (?:代码|程式碼)?(?:保持)?(?:不变|不變)
    | (?:原有|现有|現有|已有)(?:的)?(?:代码|程式碼|逻辑)
    | (?:此处|此處|以下|中间)?(?:代码|程式碼)?省略(?:其余|部分|其他)?(?:代码|程式碼)?
    | 残りの(?:コード|部分|処理|実装)(?:は|も)?(?:そのまま|変更なし|同じ|省略)?(?:です)?
    | 既存の(?:コード|処理)(?:はそのまま|をここに)?
    | 変更なし | 以下同様 | (?:以下|中|後)?[省略]略? | 以降(?:は)?(?:変更なし|同じ|同様)
    | 나머지\ ?(?:코드|부분)(?:는|은)?(?:\ ?(?:동일|그대로|변경\ ?없음|생략).*)?
    | 기존\ ?코드(?:\ ?(?:유지|그대로))? | 변경\ ?없음
    | (?:이하|중간|코드)\ ?생략
    """,
    re.VERBOSE | re.IGNORECASE,
)
# Behind dots, or in brackets, a few words more say it.
_PLACEHOLDER_WITH_DOTS = re.compile(
    r"""(?:and\ |the\ |all\ |some\ |your\ )*
        (?:existing|original|previous|other|remaining|more|rest\ of)\ (?:the\ )?(?:\w+\ )?\w+
    | same(?:\ as\ (?:before|above))? | same\ here | and\ so\ on | etc | rest | more""",
    re.VERBOSE | re.IGNORECASE,
)
# Behind dots at the beginning of a remark, any of these words.
_WORDS_OF_LEAVING_OUT = re.compile(
    r"""
    \b(?:rest|remainder|remaining|existing|previous|original|other|same|more|unchanged|omitted|and\ so\ on|etc
        |as\ (?:is|before|above)|here
        |unverändert|restliche[rn]?|bestehende[rn]?|inchangée?s?
        |reste|resto|restante|sin\ cambios|sem\ alterações|existente
        |esistente|invariato|ongewijzigd|reszta|bez\ zmian|geri\ kalanı)\b
    | остальн | без\ (?:изменений|змін) | существующий | решта
    | 其余|其餘|剩余|剩餘|保持不|现有|現有|省略|残り|変更なし|既存|同様|나머지|기존|변경|생략
    """,
    re.VERBOSE | re.IGNORECASE,
)
_OPENERS = r"#|//|--(?:\[\[)?|;+|%|/\*|\*|<!--|<%--|\{/\*|\{\#|\{-|\(\*|\"{3}|'{3}|['\"](?=\s)|REM\b|::|!"
_CLOSERS = r"\*/\}?|-->|--%>|\*\)|\#\}|-\}|\]\]|\"{3}|'{3}"
_COMMENT = re.compile(rf"^\s*(?:{_OPENERS})(?P<text>.*?)(?:{_CLOSERS})?\s*$")
_COMMENT_BEHIND_CODE = re.compile(rf"^(?P<code>.*\S)\s+(?:\#|//|/\*|--|<!--)(?P<text>[^'\"]*?)(?:{_CLOSERS})?\s*$")
_BRACKETED = re.compile(r"^\s*[\[(<{](?P<text>[^\[\](){}<>,;:=]*)[\])>}]\s*$")
_PLAIN_WORDS = re.compile(rf"^\s*(?P<lead>{_ANY_DOTS}\s*)(?P<text>\w[\w\s'\u2019()-]*?)\s*{_ANY_DOTS}?\s*$")
_ONLY_DOTS = re.compile(rf"^\s*{_ANY_DOTS}\s*$")
_DOTS = re.compile(_ANY_DOTS)
_LEADING_DOTS = re.compile(rf"^[\s(\[{{<*-]*{_ANY_DOTS}")
# A body on the line of its head: `{ ... }`, `{ /* ... */ }`.
_BODY = re.compile(
    rf"(?:\)|=>|\b(?:else|do|try|finally|const|override|noexcept)|->[^{{}}]{{1,60}})\s*"
    rf"\{{\s*(?:{_ANY_DOTS}|/\*(?P<text>[^*]*)\*/)\s*\}}[;,)]*\s*$"
)
_AROUND = " \t.…()[]{}<>-*:\u3002\uff0e"


def elision(original: str, new: str) -> str | None:
    """Return the first line of `new` that stands for code which is left out, and which `original` had not."""
    known = {line.strip() for line in original.splitlines()}
    lines = [line for line in new.splitlines() if line.strip()]
    for number, line in enumerate(lines):
        if len(line) <= _LONGEST_LINE and line.strip() not in known and _stands_for_more(lines, number):
            return line
    return None


def _stands_for_more(lines: list[str], number: int) -> bool:
    line = lines[number]
    if _ONLY_DOTS.match(line):
        return not _is_stub(lines, number)
    if (comment := _COMMENT.match(line)) is not None:
        previous = _COMMENT.match(lines[number - 1]) if number else None
        return _is_placeholder(comment["text"], previous["text"] if previous else "")
    if (words := _PLAIN_WORDS.match(line)) is not None and (words["lead"][-1].isspace() or " " in words["text"]):
        return _has_words_of_leaving_out(words["text"])
    if (bracketed := _BRACKETED.match(line)) is not None:
        return _is_placeholder(bracketed["text"], "") and " " in bracketed["text"].strip()
    if (body := _BODY.search(line)) is not None:
        return body["text"] is None or _is_placeholder(body["text"], "")
    behind = _COMMENT_BEHIND_CODE.match(line)
    if behind is None or behind["code"].count("'") % 2 or behind["code"].count('"') % 2:
        return False
    if _LEADING_DOTS.match(behind["text"]):
        return _has_words_of_leaving_out(behind["text"])
    is_stub = behind["code"].rstrip().endswith(("pass", "..."))
    return is_stub and " " in behind["text"].strip() and _is_placeholder(behind["text"], "")


def _is_stub(lines: list[str], number: int) -> bool:
    """Tell whether `...` on a line of its own is what some language means by it.

    It is the only statement of a Python block, also below a docstring; the last parameter in C; a line of a session
    of an interpreter.
    """
    line = lines[number]
    following = lines[number + 1] if number + 1 < len(lines) else ""
    if number == 0:
        return not following
    if _indent(following) == _indent(line) and following.strip() and following.lstrip()[0] not in ")\"'>":
        return bool(re.match(r"\s*(?:>>>|\.\.\. )", lines[number - 1]))
    above = number - 1
    while above > 0 and lines[above].lstrip().startswith("#"):
        above -= 1
    previous = re.sub(r"\s+#.*$", "", lines[above].rstrip())
    if previous.lstrip().startswith((">>>", "... ")) or previous.endswith((":", '"""', "'''")):
        return True
    return previous.endswith((",", "(")) and following.lstrip().startswith(")")


def _is_placeholder(text: str, previous: str) -> bool:
    """Tell whether a remark stands for code; `previous` is the remark on the line above, where there is one."""
    bare = " ".join(_DOTS.sub(" ", text).strip(_AROUND).split())
    if not bare:
        is_part_of_a_list = previous.strip() != "" and text.startswith(("  ", "\t"))
        return _DOTS.search(text) is not None and not is_part_of_a_list
    if _LEADING_DOTS.match(text) and (_has_words_of_leaving_out(bare) or _DOTS.search(text.rstrip(_AROUND[:2]), 3)):
        return not previous.rstrip().endswith(("...", "…"))
    is_set_apart = _DOTS.search(text) is not None or text.strip()[:1] in tuple("([{<")
    return _PLACEHOLDER.fullmatch(bare) is not None or (
        is_set_apart and _PLACEHOLDER_WITH_DOTS.fullmatch(bare) is not None
    )


def _has_words_of_leaving_out(text: str) -> bool:
    """Tell whether a remark behind dots speaks of what is not there; a long one says something of its own."""
    return len(text.split()) <= _MOST_WORDS and _WORDS_OF_LEAVING_OUT.search(text) is not None


def _indent(line: str) -> int:
    return len(line) - len(line.lstrip(" \t"))
