import { DocumentsPage } from '@/components/DocumentsPage';

export default function Page() {
  return <DocumentsPage />;
}
