// The name under which the operator writes, the same for ever: fields that an older name owns are never given up.

export const FIELD_MANAGER = "beamline-operator";
