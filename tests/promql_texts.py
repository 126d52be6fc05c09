"""Expressions to be judged by promtool and by us: right ones, wrong ones, and what only newer versions understand."""

VALID = r"""
1
+1
-1
+-+-1
.5
5.
0x1F
0X1f
010
08
1e-5
1E+5
Inf
-inf
NaN
+Inf + nan
1 + 1
1 == bool 1
2 ^ 3 ^ 2
-1 ^ 2
2 ^ -1 * 3
1 atan2 2
"text"
'text'
`raw \d text`
"tab\t quote\" hex\x41 octal\101 unicode\u00e9 \U0001F600"
'it\'s'
up
:up
job:up:sum
up{}
up{job="a"}
up{job="a",}
up { job = "a" , instance != "b" }
{job="a"}
{__name__="up"}
{__name__=~"up|down",job!=""}
{job=~".+"}
{job!~""}
up{job=~"a|b",instance!~"c.*"}
up{on="1",by="2",bool="3",and="4",sum="5",inf="6"}
up{a="b"}[5m]
up[1h30m]
up[1y2w3d4h5m6s7ms]
up [ 5m ]
up offset 5m
up offset -5m
up OFFSET 1w
up @ 1609746000
up @ -1.5
up @ 1e3
up @ start()
up @ end()
up @ start() offset 5m
up offset 5m @ end()
rate(up[5m] offset 1h)
rate(up[5m] @ 100 offset 1h)
rate(up[5m:1m])
rate(up[5m:])
rate(up[5m : 1m])
rate((up + 1)[5m:1m] offset 1m)
max_over_time(rate(up[5m])[1h:30s] @ end())
sum(up)
SUM(up)
sum by (job) (up)
sum by (job,) (up)
sum by () (up)
sum without (job, instance) (up)
sum(up) by (job)
sum(up) without (job)
sum by (sum, by, on, offset, and, bool, group_left, start, atan2, without2) (up)
topk(3, up)
bottomk by (job) (1 + 1, up)
quantile(0.9, up)
count_values("v", up)
count_values by (job) ("v", up)
group(up)
stddev(up) + stdvar(up)
avg(up) * min(up) / max(up) % count(up)
sum
sum{job="a"}
sum + by
offset offset 5m
and and and
and
:
offset
start
end + end
rate
rate{a="b"}
up + on(job) down
up + on() down
up - ignoring(job) down
up * on(job) group_left down
up * on(job) group_left() down
up * on(job) group_left(a, b) down
up / ignoring(job) group_right(a) down
up > bool on(job) down
up == bool 1
up and on(job) down
up or down unless on() other
up and down or other unless more
up > 1 and down < 2
1 > bool up
1 - up
-up
+up
-(1)
--up
-up ^ 2
(((up)))
abs(up)
abs(-up)
absent(up{a="b"})
absent_over_time(up[5m])
clamp(up, 0, 1)
clamp_min(up, -1)
days_in_month()
day_of_year(up)
hour(vector(time()))
histogram_quantile(0.9, sum by (le) (rate(x_bucket[5m])))
histogram_fraction(0, 1, x)
histogram_count(x) / histogram_sum(x)
holt_winters(up[5m], 0.5, 0.5)
label_replace(up, "a", "$1", "b", "(.*)")
label_join(up, "a", ",")
label_join(up, "a", ",", "b", "c")
pi()
predict_linear(up[1h], 4 * 3600)
quantile_over_time(0.9, up[5m])
round(up)
round(up, 0.1)
scalar(up) + 1
sgn(up)
time() - 1
timestamp(up)
vector(1)
year()
up # a comment
rate(up[5m]) > on(job) group_left(x) (0.5 * down)
(sum(rate(a{x="1"}[5m])) by (b) / sum(rate(a[5m])) by (b)) > 0.05
{__name__="up", job=~"(?i)a|b"}
up{job=~"a{2,3}"}
up{job=~"{{.*}}"}
up{job=~"[[:alpha:]]+"}
up{job=~"[]a]"}
up{job=~"[^]a-z]"}
up{job=~"\\Qa.b\\E"}
up{job=~"\\pL"}
up{job=~"a(?:b|c)*?"}
up{job=~"(?P<name>a)"}
up{job=~"^a$"}
up{job=~"a|"}
up{job=~"x{"}
up{job=~"x{1,2"}
up{job=~"\\x41\\x{263a}"}
up{job=~"\\/\\-\\_"}
up{job=~"(a|b){3}"}
up{job=~"[a-]"}
up{job=~"[\\d\\-.]"}
up{job=~"(?s:.)"}
up{job="é值"}
up{job='a"b'}
a:b:c{x="y"} + on (x) a:b:d
foo unless on(a, b) bar
foo * 2 > bool 3
1 + 2 * 3 - 4 / 5 % 6 ^ 7
sum(up) by (job) > 1
sum(sum(up) by (job)) by ()
atan(up) atan2 tan(up)
absent(nonexistent{job="myjob",instance=~".*"})
min_over_time(up[5m]) - max_over_time(up[5m])
present_over_time(up[5m])
last_over_time(up[5m])
irate(up[5m]) or idelta(up[5m]) or delta(up[5m]) or deriv(up[5m]) or resets(up[5m]) or changes(up[5m])
ln(up) + log2(up) + log10(up) + exp(up) + sqrt(up)
sort(up)
sort_desc(up)
minute(up) + month() + day_of_month() + day_of_week()
rad(up) + deg(up) + sin(up) + cosh(up)
"""
"""Accepted by Prometheus 2.42, one in each line."""

LINES = (
    "# only first\nup",
    'up # "quoted" ( comment\n  + down',
    'up{ # inside\n  job="a" # another\n}',
    "up\r\n+\tdown # end\r+ other",
    "`over\nlines`",
)
"""The same, of several lines."""

INVALID = r"""
(
)
()
up)
(up
((up)
1 +
* 1
/ up
1 up
up up
up 1
up = 1
up === 1
up =~ "a"
up !1
up && down
up || down
up ! down
$up
up.down
up;
up{
up}
up{job}
up{job=}
up{job="a"
up{job="a",,}
up{,}
up{job==“a”}
up{job=a}
up{job=1}
up{1="a"}
up{a:b="c"}
up{job="a" instance="b"}
up{job>"a"}
{}
{job=""}
{job=~".*"}
{job!="a"}
up{__name__="down"}
up[
up[]
up[5]
up[5m
up[5m5]
up[5x]
up[5m 1m]
up[5m:1m:]
up[5m::]
up[:1m]
up[0s]
up[-5m]
up[1m1h]
up[1.5h]
up[5m] [5m]
up[5m][5m]
(up)[5m]
sum(up)[5m]
rate(up[5m])[5m]
up offset
up offset 5
up offset x
up offset 5m offset 5m
up offset 5m [5m]
up @ 1 [5m]
up @
up @ x
up @ start
up @ start(
up @ 1 @ 2
up @ Inf
up @ NaN
(up) offset 5m
sum(up) offset 5m
1 offset 5m
sum()
sum(up
sum by job (up)
sum by (job (up))
sum by (job)
sum by (1) (up)
sum by ("a") (up)
sum by (job) up
sum(1)
sum(up[5m])
sum("a")
sum(up, up)
sum(up) by (job) by (job)
sum by (job) (up) by (job)
topk(up)
topk(up, 1)
topk("a", up)
topk(1, 2)
topk(1, up, up)
count_values(up)
count_values(1, up)
quantile(0.9 up)
unknown(up)
Rate(up[5m])
rate(up)
rate(up[5m], 1)
rate()
rate(up[5m],)
rate(sum(up))
abs(up[5m])
abs(1)
abs("a")
abs()
abs(up, up)
round(up, 1, 2)
round()
label_replace(up, "a", "b", "c")
label_join(up, "a")
label_join()
vector(up)
vector("a")
scalar(1)
time(1)
pi(up)
clamp(up, 1)
histogram_quantile(up, 0.9)
histogram_quantile(0.9)
up + on job down
up + on(job) group_left down + group_left down
up + group_left down
up + bool down
up and bool down
up bool down
1 == 1
1 > 2
1 and up
up or 1
1 unless 2
up and on(job) group_left down
up + on(job) group_left(job) down
1 + on(job) up
up + ignoring(job) 1
up[5m] + 1
"a" + 1
"a" == "b"
-"a"
-up[5m]
up[5m:1m] + up
1[5m:1m]
"a"[5m:1m]
up[5m][5m:1m]
"unterminated
'unterminated
`unterminated
"bad \q escape"
"bad \x4"
"bad \400"
"bad \ud800"
'bad \" escape'
up{job="bad \q"}
up{job=~"("}
up{job=~")"}
up{job=~"*"}
up{job=~"a**"}
up{job=~"a{2}{3}"}
up{job=~"a{1001}"}
up{job=~"a{3,2}"}
up{job=~"["}
up{job=~"[a"}
up{job=~"[z-a]"}
up{job=~"[a--b]"}
up{job=~"(?=a)"}
up{job=~"(?!a)"}
up{job=~"(?<=a)"}
up{job=~"\\1"}
up{job=~"\\Z"}
up{job=~"\\y"}
up{job=~"a|*"}
up{job=~"(*)"}
up{job=~"(?x)a"}
up{job=~"(?u)a"}
up{job=~"[[:foo:]]"}
up{job=~"\\"}
1e
1e+
0x
0xg
1..2
1.2.3
1_
5mm
5xyz
1and up
99999999999999999999y
0xFFFFFFFFFFFFFFFF
1e400
up{job="a"}{job="b"}
up by (job)
by (job) (up)
bool
on(job)
group_left
foo:bar(up)
job:sum(up)
sum:sum(up)
#
up,down
,
[5m]
@ 1
up + offset 5m +
start() start
"""
"""Refused by Prometheus 2.42."""

NEWER = r"""
2.54 1_000
2.54 1_000 * up
2.54 time() - 5m
2.54 up > 1h
2.54 up[300]
2.54 up[300:60]
2.54 up offset 300
2.54 limitk(2, up)
2.54 limit_ratio by (job) (0.1, up)
2.49 mad_over_time(up[5m])
2.49 sort_by_label(up, "job")
2.49 sort_by_label_desc(up, "job", "instance")
2.51 histogram_avg(up)
2.46 histogram_stddev(up)
2.55 info(up)
2.55 info(up, {data=~".*"})
3.0 {"up"}
3.0 {"up.down", job="a"}
3.0 {"http.requests", "label.name"=~"a.*"}
3.0 sum by ("a.b", job) (up)
3.0 up * on("a.b") group_left("c.d") down
3.0 double_exponential_smoothing(up[5m], 0.5, 0.5)
3.4 up[2m*15]
3.4 up[5m+1m:1m]
3.4 up[(5m)]
3.4 up[-5m+10m]
3.4 up offset (5m*2)
3.4 up offset -(5m)
3.4 up[step()]
3.4 up[max(step(), 5m)]
3.4 up[range():step()*2]
3.4 up[2^3]
3.4 up offset +5m
3.5 ts_of_max_over_time(up[5m])
3.7 first_over_time(up[5m])
3.7 rate(up[5m] anchored)
3.7 increase(up[5m] smoothed)
3.7 up smoothed
3.10 up + fill(0) down
3.10 up / on(job) group_left fill_left(-1) fill_right(2) down
3.11 up </ 5
3.11 up >/ 5
3.11 histogram_quantiles(up, "q", 0.5, 0.9)
3.13 start() + end() + step() + range()
3.14 start_timestamp(up)
3.16 integral(up[5m])
"""
"""Refused by Prometheus 2.42, accepted since the version in front."""
