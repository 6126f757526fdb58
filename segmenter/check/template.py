"""The page of `page.py`, for jinja2 with autoescape: words before colours, a text for every picture."""

TEMPLATE = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Check of {{ report.name }}</title>
<style>
body { font: 16px/1.5 system-ui, sans-serif; color: #1a1a1a; background: #fff; max-width: 72rem; margin: 2rem auto;
  padding: 0 1rem; }
h1, h2 { line-height: 1.2; } h2 { margin-top: 2.5rem; border-bottom: 1px solid #999; }
.verdict { font-size: 1.25rem; padding: .75rem 1rem; border-left: .5rem solid #005a8c; background: #eef4f8; }
.verdict.bad { border-color: #a33900; background: #fbefe8; }
table { border-collapse: collapse; width: 100%; } caption { text-align: left; color: #444; padding: .25rem 0; }
th, td { text-align: left; padding: .3rem .75rem .3rem 0; vertical-align: top; border-bottom: 1px solid #ddd; }
td.number, th.number { text-align: right; font-variant-numeric: tabular-nums; overflow-wrap: normal; }
.error { color: #8f3100; font-weight: bold; } .warning { color: #6b4e00; font-weight: bold; }
.swatch { display: inline-block; width: .9em; height: .9em; border: 1px solid #333; vertical-align: -.1em; }
.bar { height: .9em; border: 1px solid #333; min-width: 1px; }
details summary { cursor: pointer; } details ul { max-height: 20rem; overflow: auto; } li, td, figcaption {
  overflow-wrap: anywhere; }
.cards { display: grid; grid-template-columns: repeat(auto-fill, minmax(20rem, 1fr)); gap: 1.25rem; }
figure { margin: 0; border: 1px solid #ccc; padding: .5rem; } .two { display: grid; grid-template-columns: 1fr 1fr;
  gap: .25rem; align-items: start; }
.two img { width: 100%; height: auto; max-height: 18rem; object-fit: contain; }
figcaption ul { margin: .25rem 0 0; padding-left: 1.2rem; }
.plots { display: flex; flex-wrap: wrap; gap: 2rem; } .plots > div { flex: 1 1 20rem; }
svg { width: 100%; height: 8rem; border-bottom: 1px solid #333; } .scale { display: flex;
  justify-content: space-between; }
</style>
</head>
<body>
{% macro pair(card) %}
<figure><div class="two">
<img src="{{ card.image }}" alt="Image {{ card.name }}">
<img src="{{ card.overlay }}" alt="Mask laid over {{ card.name }}: {{ card.shares }}">
</div><figcaption title="{{ card.path }}"><b>{{ card.name }}</b> ({{ card.split }}, {{ card.size }}): {{ card.shares }}
{% if card.reasons %}<ul>{% for reason in card.reasons %}<li>{{ reason }}</li>{% endfor %}</ul>{% endif %}
</figcaption></figure>
{% endmacro %}
<h1>Check of {{ report.name }}</h1>
<p class="verdict{{ '' if report.ok else ' bad' }}">{{ report.verdict }}</p>
<p>{{ report.source.root }}: {% for split, count in report.splits.items() %}{{ count }} {{ split }}{{ ", " if not
loop.last }}{% endfor %}. Licence: {{ report.source.license }}</p>

<h2>Findings</h2>
{% if report.findings %}
<table><caption>Errors stop or spoil training. Warnings may make scores mislead. Notes are dealt with.</caption>
<thead><tr><th scope="col">Severity</th><th scope="col">What</th><th scope="col" class="number">Count</th>
<th scope="col">Where</th><th scope="col">What to do</th></tr></thead><tbody>
{% for found in report.findings %}
<tr><td class="{{ found.severity }}">{{ found.severity }}</td><th scope="row">{{ found.kind }}</th>
<td class="number">{{ found["items"]|length }}</td>
<td>{% if found["items"]|length > 3 %}<details><summary>{{ found["items"][0] }}; ... and {{ found["items"]|length - 1 }}
more</summary><ul>{% for item in found["items"] %}<li>{{ item }}</li>{% endfor %}</ul></details>
{% else %}{% for item in found["items"] %}<div>{{ item }}</div>{% endfor %}{% endif %}</td><td>{{ found.remedy }}</td>
</tr>
{% endfor %}
</tbody></table>
{% else %}<p>Nothing was found.</p>{% endif %}

<h2>Class balance</h2>
<table><caption>Bars are relative to the largest class. Ignored pixels are not counted.</caption>
<thead><tr><th scope="col">Class</th><th scope="col" class="number">Pixels</th><th scope="col" class="number">Share</th>
<th scope="col" style="width: 35%"><span aria-hidden="true">&nbsp;</span></th>{% for split in report.splits %}
<th scope="col" class="number">Images in {{ split }}</th>{% endfor %}</tr></thead><tbody>
{% for row in balance %}
<tr><th scope="row"><span class="swatch" style="background: {{ row.colour }}"></span> {{ row.name }}</th>
<td class="number">{{ row.pixels }}</td><td class="number">{{ row.share }}</td>
<td><div class="bar" style="width: {{ row.width }}%; background: {{ row.colour }}"></div></td>
{% for count in row.images %}<td class="number">{{ count }}</td>{% endfor %}</tr>
{% endfor %}
</tbody></table>

<h2>Sizes</h2>
<ul>{% for title, words in summary[1:] %}<li>{{ title }}: {{ words }}</li>{% endfor %}
<li>image files: {% for depth, count in depths.items() %}{{ count }} {{ depth }}{{ ", " if not loop.last }}{% endfor %}
</li></ul>
<div class="plots">
{% for plot in histograms %}
<div><b>{{ plot.title }}</b>
<svg viewBox="0 0 100 100" preserveAspectRatio="none" role="img"
aria-label="{{ plot.title }}: {{ plot.low }} to {{ plot.high }}, median {{ plot.middle }}">
{% for bar in plot.bars %}<rect x="{{ loop.index0 * plot.width }}" y="{{ 100 - bar.height }}"
width="{{ plot.width * 0.9 }}" height="{{ bar.height }}" fill="#005a8c"><title>{{ bar.words }}</title></rect>
{% endfor %}</svg>
<div class="scale"><span>{{ plot.low }}</span><span>median {{ plot.middle }}</span><span>{{ plot.high }}</span></div>
</div>
{% endfor %}
</div>

{% if near %}
<h2>Look-alikes in different splits</h2>
<p>{{ report.near|length }} images look like one of another split; {{ near|length }} of them are here.</p>
<div class="cards">
{% for both in near %}
<figure><div class="two">{% for card in both.cards %}
<img src="{{ card.image }}" alt="Image {{ card.name }}">{% endfor %}
</div><figcaption>{% for card in both.cards %}<b>{{ card.name }}</b> ({{ card.split }}){{ " ~ " if not loop.last }}
{% endfor %}: {{ both.words }}</figcaption></figure>
{% endfor %}
</div>
{% endif %}

<h2>The most unusual pairs</h2>
<p>Extremes of what can be measured without a model. Wrong masks, and what a model will find hard, are often here.</p>
<div class="cards">{% for card in unusual %}{{ pair(card) }}{% endfor %}</div>

<h2>A gallery, drawn at random</h2>
<p>Left the image, right the mask laid over it, each region outlined in the colour of its class.</p>
<div class="cards">{% for card in gallery %}{{ pair(card) }}{% endfor %}</div>
</body>
</html>
"""
