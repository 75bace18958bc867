// A live series: bars of a value a minute, and a line of another on a scale of its own.
import { useEffect, useRef } from "react";
import uPlot from "uplot";
import "uplot/dist/uPlot.min.css";

export type Series = { at_s: number[]; bars: number[]; line: number[] };

const colour = (name: string) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

export function LiveChart(props: { data: Series; barsName: string; lineName: string; lineText: (value: number) => string; theme: string; label: string; span_s: number }) {
  const box = useRef<HTMLDivElement>(null);
  const plot = useRef<uPlot | null>(null);
  const lineText = useRef(props.lineText);
  lineText.current = props.lineText;

  useEffect(() => {
    const at = box.current!;
    const soft = colour("--soft");
    const axis = { stroke: soft, grid: { stroke: colour("--line"), width: 1 }, ticks: { show: false }, font: "12px Instrument Sans Variable, sans-serif" };
    const made = new uPlot(
      {
        width: at.clientWidth,
        height: 240,
        legend: { show: false },
        cursor: { y: false, points: { show: false } },
        scales: {
          x: { time: true },
          y: { range: (_u, _min, max) => [0, Math.max(4, Math.ceil((max || 0) * 1.15))] },
          money: { range: (_u, _min, max) => [0, Math.max(10, (max || 0) * 1.15)] },
        },
        axes: [
          axis,
          { ...axis, size: 44, incrs: [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 5000] },
          { ...axis, side: 1, scale: "money", grid: { show: false }, size: 62, values: (_u, all) => all.map((each) => lineText.current(each)) },
        ],
        hooks: {
          // What is on the canvas now, for who cannot see it: the last bar and all of them.
          draw: [
            ({ data }) => {
              const bars = data[1] as number[];
              at.dataset.last = String(bars.at(-1) ?? 0);
              at.dataset.sum = String(bars.reduce((sum, each) => sum + each, 0));
            },
          ],
        },
        series: [
          {},
          { label: props.barsName, fill: colour("--pine"), stroke: colour("--pine"), width: 0, paths: uPlot.paths.bars!({ size: [0.62, 26], radius: 0.25 }), points: { show: false } },
          { label: props.lineName, scale: "money", stroke: colour("--amber"), width: 2, points: { show: false } },
        ],
      },
      [[], [], []],
      at,
    );
    plot.current = made;
    const size = new ResizeObserver(() => made.setSize({ width: at.clientWidth, height: 240 }));
    size.observe(at);
    return () => {
      size.disconnect();
      made.destroy();
      plot.current = null;
    };
    // Colours are read once: another theme makes another chart.
  }, [props.theme, props.barsName, props.lineName]);

  useEffect(() => {
    const { at_s, bars, line } = props.data;
    plot.current?.setData([at_s, bars, line], false);
    const end = at_s.at(-1) ?? Date.now() / 1000;
    plot.current?.setScale("x", { min: end - props.span_s, max: end + 40 });
  }, [props.data, props.theme, props.span_s]);

  return <div ref={box} role="img" aria-label={props.label} data-testid="chart" className="w-full overflow-hidden" />;
}
