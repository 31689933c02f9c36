// The part of bpmn-moddle that the tests use; the package comes without types.
declare module "bpmn-moddle" {
  export class BpmnModdle {
    constructor(extensions?: Record<string, unknown>);
    create(type: string, properties?: Record<string, unknown>): unknown;
    fromXML(xml: string): Promise<{ rootElement: unknown; warnings: { message: string }[] }>;
    toXML(root: unknown): Promise<{ xml: string }>;
  }
}
