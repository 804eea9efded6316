// The version of the product, as acknowledgements, logs and status carry it; equal to package.json (a test holds that).
export const PRODUCT_VERSION = "0.1.0";
