// Reads {transformations, frames} and prints the tables that Grafana's own code makes of them.
globalThis.window = globalThis; // Grafana looks for its settings there
const grafana = require("@grafana/data");
const { standardTransformers, standardTransformersRegistry, toDataFrame, transformDataFrame } = grafana;

const byId = new Map(Object.values(standardTransformers).map((each) => [each.id, each]));
standardTransformersRegistry.setInit(() =>
  [...byId].map(([id, transformation]) => ({ id, name: transformation.name, transformation })),
);
const { transformations, frames } = JSON.parse(require("fs").readFileSync(0, "utf8"));
transformDataFrame(transformations, frames.map(toDataFrame)).subscribe((made) => {
  const tables = made.map((frame) =>
    frame.fields.map((field) => [
      grafana.getFieldDisplayName(field, frame, made),
      [...field.values],
    ]),
  );
  process.stdout.write(JSON.stringify(tables));
});
