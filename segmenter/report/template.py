"""The page of `page.py`, for jinja2 with autoescape: words before colours, a text for every picture."""

TEMPLATE = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{{ about.data_set }}: report on the {{ about.split }} images</title>
<style>
body { font: 16px/1.5 system-ui, sans-serif; color: #1a1a1a; background: #fff; max-width: 76rem; margin: 2rem auto;
  padding: 0 1rem; }
h1, h2 { line-height: 1.2; } h2 { margin-top: 2.5rem; border-bottom: 1px solid #999; }
.verdict { font-size: 1.25rem; padding: .75rem 1rem; border-left: .5rem solid #005a8c; background: #eef4f8; }
.verdict.bad { border-color: #a33900; background: #fbefe8; }
.scroll { overflow-x: auto; } nav a { margin-right: 1rem; }
table { border-collapse: collapse; width: 100%; } caption { text-align: left; color: #444; padding: .25rem 0; }
caption span { display: block; max-width: calc(100vw - 3rem); } tbody th { white-space: nowrap; }
th, td { text-align: left; padding: .3rem .6rem; border-bottom: 1px solid #ddd; } th:first-child { padding-left: 0; }
td.number, th.number { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap; }
td.bar { background: linear-gradient(to right, #bcd9ec var(--share), transparent var(--share)) no-repeat; }
tr.mean { font-weight: bold; border-top: 2px solid #666; }
.shaded td { text-align: center; padding: .3rem; font-variant-numeric: tabular-nums; border: 1px solid #fff; }
.shaded thead th { text-align: center; padding: .3rem; }
.shaded.many { font-size: .75rem; } .shaded.many thead th.class { writing-mode: vertical-rl; text-align: left; }
.right td.right { outline: 2px solid #1a1a1a; outline-offset: -2px; }
.swatch { display: inline-block; width: .9em; height: .9em; border: 1px solid #333; vertical-align: -.1em; }
.legend > span { margin-right: 1.1rem; white-space: nowrap; }
.charts { display: grid; grid-template-columns: repeat(auto-fit, minmax(22rem, 1fr)); gap: 2rem; }
svg { width: 100%; height: auto; font: 13px system-ui, sans-serif; } svg .grid { stroke: #ddd; } svg .axis {
  stroke: #333; } svg polyline { fill: none; } dt { font-weight: bold; } dd { margin: 0 0 .4rem; }
article { border: 1px solid #bbb; padding: .75rem 1rem 1rem; margin: 0 0 1.25rem; break-inside: avoid; }
article h3 { margin: 0; font-size: 1rem; overflow-wrap: anywhere; } article ul { margin: .25rem 0 .75rem;
  padding-left: 1.2rem; }
.four { display: grid; grid-template-columns: repeat(4, 1fr); gap: .5rem; align-items: start; }
figure { margin: 0; } figure img { width: 100%; height: auto; max-height: 22rem; object-fit: contain;
  object-position: top left; } figcaption { font-size: .85rem; color: #444; }
.iou { font-variant-numeric: tabular-nums; } summary { cursor: pointer; } .list { max-height: 24rem; overflow: auto; }
.list li { overflow-wrap: anywhere; } .muted { color: #555; }
@media (max-width: 46rem) { .four { grid-template-columns: 1fr 1fr; } .charts { grid-template-columns: 1fr; } }
</style>
</head>
<body>
{% macro swatch(colour) %}<span class="swatch" style="background: {{ colour }}"></span>{% endmacro %}
{% macro frame(across, up) %}
{% for tick in [0, 0.2, 0.4, 0.6, 0.8, 1] %}
<line class="grid" x1="0" x2="400" y1="{{ 260 * tick }}" y2="{{ 260 * tick }}"></line>
<line class="grid" y1="0" y2="260" x1="{{ 400 * tick }}" x2="{{ 400 * tick }}"></line>
<text x="{{ 400 * tick }}" y="278" text-anchor="middle">{{ tick }}</text>
<text x="-8" y="{{ 264 - 260 * tick }}" text-anchor="end">{{ tick }}</text>{% endfor %}
<text x="200" y="298" text-anchor="middle">{{ across }}</text>
<text x="-42" y="130" text-anchor="middle" transform="rotate(-90 -42 130)">{{ up }}</text>
<path class="axis" fill="none" d="M0 0V260H400"></path>{% endmacro %}
{% macro named(index, name) %}{{ swatch(colours[index]) if index < colours|length }} {{ name }}{% endmacro %}
<h1>{{ about.data_set }}: report on the {{ about.split }} images</h1>
<p class="verdict{{ ' bad' if cards or listed }}">{{ report.verdict }}</p>
<p>Model <b>{{ about.model }}</b>, {{ about.images|length }} {{ about.split }} images of {{ about.data_set }}
{{- " " ~ about.variant if about.variant }}, every image scored at its own size
{%- if about.threshold is not none %}, foreground from a probability of {{ about.threshold }} on{% endif %}
{%- if about.flips %}, averaged over the mirror image{% endif %}
{%- if about.scales != [1.0] %}, averaged over the sizes {{ about.scales|join(", ") }}{% endif %}.
{% for name, value in about.facts.items() %}{{ "The training recorded: " if loop.first }}{{ name.replace("_", " ") }}:
{{ "%.3f"|format(value) if value is float else value }}{{ ", " if not loop.last else "." }}
{% endfor %}
<br><span class="muted">Licence of the data: {{ about.license }}</span></p>
<nav aria-label="Parts of the report"><a href="#scores">Scores</a> <a href="#precision">AP</a>
<a href="#calibration">Calibration</a> <a href="#confusion">Confusion</a> <a href="#gallery">Failures</a>
<a href="#images">All images</a> <a href="#run">The run</a></nav>

<h2 id="scores">Scores</h2>
<p>Pixel accuracy <b>{{ "%.3f"|format(accuracy) }}</b>, expected calibration error
<b>{{ "%.3f"|format(error) }}</b>.</p>
<div class="scroll"><table><caption><span>IoU by image and AP count each image alike, all others each pixel. A dash:
nothing to divide by, as the class does not occur or was never predicted; means leave it out.</span></caption>
<thead><tr><th scope="col">Class</th>{% for head in heads.values() %}<th scope="col" class="number">{{ head }}</th>
{%- endfor %}</tr></thead><tbody>
{% for name, row in table %}
<tr{{ ' class=mean' if loop.last }}><th scope="row">{{ named(loop.index0, name) }}</th>
{%- for value, text in row %}<td class="number{{ ' bar' if loop.first and value == value }}"
{%- if loop.first and value == value %} style="--share: {{ "%.1f"|format(100 * value) }}%"{% endif %}>{{ text }}</td>
{%- endfor %}</tr>
{% endfor %}
</tbody></table></div>
<details><summary>What each number means</summary><dl>{% for name, text in definitions.items() %}<dt>{{ name }}</dt>
<dd>{{ text }}</dd>{% endfor %}</dl></details>

<div class="charts">
<section><h2 id="precision">AP over IoU thresholds</h2>
<svg viewBox="-60 -10 480 315" role="img" aria-label="{{ precision.words }}">
{{ frame("IoU threshold", "share of images that reach it") }}
{% for line in precision.lines %}
{% if precision.few and not loop.last %}<polyline points="{{ line.points }}" stroke="#333" stroke-width="4"></polyline>
{% endif %}<polyline points="{{ line.points }}" stroke="{{ line.colour }}" stroke-width="{{ line.width }}"
{%- if loop.last %} stroke-dasharray="7 4"{% endif %}><title>{{ line.name }}</title></polyline>{% endfor %}
</svg>
<p class="legend">{% if precision.few %}{% for line in precision.lines[:-1] %}<span>
{{- swatch(line.colour) }} {{ line.name }}</span> {% endfor %}{% else %}<span>Grey: the classes.</span>
{% endif %}<span>Dashed: mean</span></p>
</section>
<section><h2 id="calibration">Calibration</h2>
<svg viewBox="-60 -10 480 315" role="img" aria-label="{{ reliability.words }}">
{{ frame("confidence", "share of pixels that are right") }}
{% for bar in reliability.bars %}<rect x="{{ bar.x }}" y="{{ bar.y }}" width="{{ bar.width }}" height="{{ bar.height }}"
fill="#0072b2"><title>{{ bar.range }} sure: {{ bar.right }} right ({{ bar.share }} of the pixels)</title></rect>
{% endfor %}
<line x1="0" y1="260" x2="400" y2="0" stroke="#a33900" stroke-width="2.5" stroke-dasharray="7 4"></line>
</svg>
<p>{{ reliability.words }} Bars that end on the dashed line would be perfectly honest; below it the model is
overconfident.</p>
</section>
</div>
<div class="scroll"><table class="shaded"><caption><span>Share of the images with the class (true or predicted) whose
IoU reaches the threshold; AP is the mean of the row.</span></caption>
<thead><tr><th scope="col">Class</th>{% for t in precision.thresholds %}<th scope="col">{{ t }}</th>{% endfor %}
<th scope="col">AP</th></tr></thead><tbody>
{% for name, cells, ap in precision.rows %}<tr><th scope="row">{{ named(loop.index0, name) }}</th>
{%- for text, style in cells %}<td style="{{ style }}">{{ text }}</td>{% endfor %}<td><b>{{ ap }}</b></td></tr>
{% endfor %}</tbody></table></div>
<details><summary>Calibration in numbers</summary>
<table><thead><tr><th scope="col">Confidence</th><th scope="col" class="number">Share of pixels</th>
<th scope="col" class="number">Mean confidence</th><th scope="col" class="number">Right</th></tr></thead><tbody>
{% for bar in reliability.bars %}<tr><th scope="row">{{ bar.range }}</th><td class="number">{{ bar.share }}</td>
<td class="number">{{ bar.sure }}</td><td class="number">{{ bar.right }}</td></tr>{% endfor %}
</tbody></table></details>

<h2 id="confusion">Where the pixels of each class went</h2>
<div class="scroll"><table class="shaded right{{ ' many' if confusion|length > 8 }}"><caption><span>Rows: the truth.
Columns: the prediction, in shares of the row; framed: right.</span></caption>
<thead><tr><th scope="col">Truth</th>{% for name in report.scores.classes %}<th scope="col"
class="class">{{ name }}</th>{% endfor %}</tr></thead><tbody>
{% for row in confusion %}<tr><th scope="row">{{ named(loop.index0, report.scores.classes[loop.index0]) }}</th>
{%- set truth = loop.index0 %}{% for cell in row %}<td{{ ' class=right' if loop.index0 == truth }}
style="{{ cell.style }}" title="{{ cell.pixels }} pixels">{{ cell.text }}</td>{% endfor %}</tr>
{% endfor %}</tbody></table></div>

<h2 id="gallery">Gallery of failures</h2>
{% if not cards and not listed %}
<p>There are none: every class is above IoU {{ report.gallery.limit }} in every image.</p>
{% else %}
<p>Every image with a class at IoU {{ report.gallery.limit }} or less, worst first:
{% for row in failed_classes %}{{ row.name }} in {{ row.failed }} of {{ row.of }} images
{{- ", " if not loop.last else "." }} {% endfor %}</p>
<p>The reasons are guesses from measurements, and several may hold at once. How many failures each goes with:
{% for kind, count in report.causes.items() %}<b>{{ kind }}</b> {{ count }}{{ ", " if not loop.last else "." }}
{% endfor %}</p>
<p class="legend">In the error maps: {% for name, colour in marks.items() %}<span>{{ swatch(colour) }} {{ name }}</span>
{% endfor %} In the overlays:
{% for name, colour in legend %}<span>{{ swatch(colour) }} {{ name }}</span> {% endfor %}</p>
{% for card in cards %}
<article><h3>{{ loop.index }}. {{ card.name }} <span class="muted">({{ card.size }})</span></h3>
<ul>{% for name, iou, reasons in card.failed %}<li><b>{{ name }}</b> <span class="iou">IoU {{ iou }}</span>:
{{ reasons|join(", ") }}</li>{% endfor %}</ul>
<div class="four">{% for title, uri, words in card.pictures %}
<figure><img src="{{ uri }}" alt="{{ title|capitalize }} of {{ card.name }}: {{ words }}">
<figcaption>{{ title|capitalize }}{{ ": " ~ words if title != "image" }}</figcaption></figure>{% endfor %}
</div></article>
{% endfor %}
{% if listed %}
<p>{{ listed|length }} more failed images are listed without pictures, which keeps this page small.</p>
<details><summary>{{ listed|length }} more, worst first</summary><ul class="list">{% for card in listed %}
<li>{{ card.name }}:
{% for name, iou, reasons in card.failed %}<b>{{ name }}</b> IoU {{ iou }} ({{ reasons|join(", ") }})
{{- "; " if not loop.last }}{% endfor %}</li>{% endfor %}</ul></details>
{% endif %}
{% endif %}

<h2 id="images">All images</h2>
<details><summary>{{ images|length }} images, worst first
{{- " (mean IoU over the classes in each)" if colours|length > 2 }}
</summary><ol class="list">{% for name, iou in images %}<li>{{ name }}: {{ iou }}</li>{% endfor %}</ol></details>

<h2 id="run">The run</h2>
{% if about.training_shares is none %}<p>No mask of the training split could be read here, so that no class is called
rare.</p>{% else %}<p>Which classes are rare was measured on {{ about.training_masks_counted }} training masks.</p>
{% endif %}
<details><summary>Its settings</summary><dl>{% for name, value in about.config.items() %}<dt>{{ name }}</dt>
<dd>{{ value }}</dd>{% endfor %}</dl></details>
</body>
</html>
"""
