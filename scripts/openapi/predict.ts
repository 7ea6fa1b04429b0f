import { call, type Paths } from "./paths.ts";
import { ref, type Schema } from "./schema.ts";

const rows = (description: string): Schema => ({ type: "array", items: {}, description });

/** What MLflow's model server takes and gives. */
export const PREDICT_SCHEMAS: Record<string, Schema> = {
  PredictRequest: {
    type: "object",
    description: "The input of a model in exactly one of four forms. Other members are sent on as they come.",
    properties: {
      inputs: { description: "A tensor as lists of lists, or an object of tensors by their names." },
      instances: rows("TensorFlow Serving's form: the rows of a tensor, or objects."),
      dataframe_split: {
        type: "object",
        description: "A table: `columns`, `data` by rows and maybe `index`.",
        required: ["data"],
        properties: { columns: rows("Names."), data: rows("Rows."), index: rows("Names of the rows.") },
      },
      dataframe_records: {
        type: "array",
        items: { type: "object" },
        description: "A table: rows by the names of their columns.",
      },
      params: { type: ["object", "null"], description: "Parameters of the model's inference." },
    },
  },
  PredictResponse: {
    type: "object",
    description: "The model server's own answer, byte for byte.",
    properties: { predictions: { description: "One for each row, as a rule." } },
  },
  ScoringError: {
    type: "object",
    description: "An error as MLflow's servers say it.",
    required: ["error_code", "message"],
    properties: {
      error_code: { type: "string", examples: ["BAD_REQUEST", "RESOURCE_DOES_NOT_EXIST", "REQUEST_LIMIT_EXCEEDED"] },
      message: { type: "string", description: "What is wrong and what to do, in a sentence." },
    },
  },
};

/** No example: the quickstart has no route of this type. */
const NONE = {};

/** The path of classical models. */
export function predictPaths(): Paths {
  const of = call(ref("PredictRequest"), NONE, ref("PredictResponse"), undefined, ref("ScoringError"));
  const body = of["requestBody"] as { content: object };
  const csv = {
    "text/csv": { schema: { type: "string", description: "A table whose first line names its columns." } },
  };
  return {
    "/predict/{name}": {
      post: {
        tags: ["Predictions"],
        operationId: "predict",
        summary: "Predicts with a model that MLflow serves",
        description: "The route is of the type `mlflow/v1/predictions`.",
        ...of,
        requestBody: { ...body, content: { ...body.content, ...csv } },
        parameters: [{ $ref: "#/components/parameters/RouteName" }, ...(of["parameters"] as object[])],
      },
    },
  };
}
