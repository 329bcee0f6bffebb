(function () {
  "use strict";
  var specs = JSON.parse(document.getElementById("charts").textContent);
  var drawn = [];

  function color(name) {
    return getComputedStyle(document.documentElement).getPropertyValue(name).trim();
  }

  function axis(text, type) {
    return {
      type: type,
      title: { display: text !== "", text: text, color: color("--soft") },
      ticks: { color: color("--soft"), maxRotation: 0, autoSkipPadding: 12 },
      grid: { color: color("--grid") },
      border: { color: color("--line") }
    };
  }

  function options(spec, xType, yType, legend) {
    return {
      responsive: true,
      maintainAspectRatio: false,
      animation: false,
      interaction: { mode: "nearest", axis: "x", intersect: false },
      plugins: {
        legend: {
          display: legend,
          align: "start",
          labels: { color: color("--ink"), boxWidth: 14, boxHeight: 3 }
        }
      },
      scales: { x: axis(spec.x, xType), y: axis(spec.y, yType) }
    };
  }

  function lines(spec) {
    return {
      type: "line",
      data: {
        datasets: spec.series.map(function (s, i) {
          var few = s.points.length < 25;
          return {
            label: s.name,
            data: s.points.map(function (p) { return { x: p[0], y: p[1] }; }),
            borderColor: color("--s" + (i % 8)),
            backgroundColor: color("--s" + (i % 8)),
            borderWidth: 1.75,
            pointRadius: few ? 2.5 : 0,
            pointHitRadius: 8
          };
        })
      },
      options: options(spec, "linear", spec.log ? "logarithmic" : "linear", spec.series.length > 1)
    };
  }

  function bars(spec) {
    return {
      type: "bar",
      data: {
        labels: spec.labels,
        datasets: [{ label: spec.y, data: spec.values, backgroundColor: color("--s0"), categoryPercentage: 0.95, barPercentage: 0.95 }]
      },
      options: options(spec, "category", "linear", false)
    };
  }

  function draw() {
    drawn.forEach(function (chart) { chart.destroy(); });
    drawn = specs.map(function (spec, i) {
      var canvas = document.getElementById("chart-" + i);
      return new Chart(canvas, spec.kind === "line" ? lines(spec) : bars(spec));
    });
  }

  draw();
  window.matchMedia("(prefers-color-scheme: dark)").addEventListener("change", draw);
})();
