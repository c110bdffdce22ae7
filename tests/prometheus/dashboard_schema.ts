// The types of Grafana that the dashboard is checked against, for one JSON schema.
import { Dashboard } from "@grafana/schema";
import * as barchart from "@grafana/schema/dist/esm/raw/composable/barchart/panelcfg/x/BarChartPanelCfg_types.gen";
import * as histogram from "@grafana/schema/dist/esm/raw/composable/histogram/panelcfg/x/HistogramPanelCfg_types.gen";
import * as timeseries from "@grafana/schema/dist/esm/raw/composable/timeseries/panelcfg/x/TimeSeriesPanelCfg_types.gen";

export interface Checked {
  dashboard: Dashboard;
  barchart: { options: Partial<barchart.Options>; custom: Partial<barchart.FieldConfig> }[];
  histogram: { options: Partial<histogram.Options>; custom: Partial<histogram.FieldConfig> }[];
  timeseries: { options: Partial<timeseries.Options>; custom: Partial<timeseries.FieldConfig> }[];
}
